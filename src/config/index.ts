import { type Environment, readSettings, type Settings, type Values } from '../kernel/settings.ts';
import { coreSettings } from './settings.ts';

export type CoreConfig = Values<typeof coreSettings>;

export interface Config extends CoreConfig {
  /** Sections of the modules, by module name. */
  readonly modules: Readonly<Record<string, Values<Settings>>>;
}

/** Every fault of the environment at once, one line each. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`The settings are not usable:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

interface Section {
  name: string;
  settings?: Settings;
}

/** The one reader of the environment: validated, frozen, handed down. Tests pass a literal. */
export function loadConfig(sections: readonly Section[], env: Environment = process.env): Config {
  const faults: string[] = [];
  const core = readSettings(env, coreSettings, faults);
  const modules = Object.fromEntries(
    sections.map(({ name, settings }) => [name, readSettings(env, settings ?? {}, faults)]),
  );
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze({ ...core, modules: Object.freeze(modules) });
}
