import { describe, expect, it } from '@jest/globals';
import { loadConfig } from './config/index.ts';
import { integer } from './kernel/settings.ts';
import { createModules, defineModule, type Kernel, type ModuleDefinition } from './module.ts';

const settings = { size: integer('SIZE', 'Size', { default: 1, min: 1, max: 9 }) };
const base = defineModule({ name: 'base', dependsOn: [], create: () => ({ api: { answer: () => 42 } }) });

/** A kernel of which the modules of these tests use the settings alone. */
const kernelFor = (modules: readonly ModuleDefinition[], env: Record<string, string> = {}): Kernel =>
  ({ config: loadConfig(modules, env) }) as Kernel;

const create = (modules: readonly ModuleDefinition[]) => createModules(kernelFor(modules), modules);

describe('a module', () => {
  it('gets its own settings, parsed', () => {
    const sized = defineModule({
      name: 'sized',
      dependsOn: [],
      settings,
      create: (_kernel, _use, { size }) => ({ api: size }),
    });
    const instances = createModules(kernelFor([sized], { SIZE: '7' }), [sized]);
    expect(instances.get('sized')?.api).toBe(7);
  });

  it('calls the api of a module that it depends on', () => {
    const user = defineModule({
      name: 'user',
      dependsOn: [base],
      create: (_kernel, use) => ({ api: use(base).answer() }),
    });
    const instances = create([base, user]);
    expect([...instances.keys()]).toEqual(['base', 'user']);
    expect(instances.get('user')?.api).toBe(42);
  });

  it.each([
    ['without saying so', [] as ModuleDefinition[], [base]],
    ['that is listed after it', [base], []],
  ])('cannot use a module %s', (_what, dependsOn, before) => {
    const user = defineModule({
      name: 'user',
      dependsOn,
      create: (_kernel, use) => ({ api: use(base).answer() }),
    });
    expect(() => create([...before, user, base])).toThrow('user uses base without depending on it');
  });
});
