import fc from 'fast-check';
import type { KnownGpu } from './gpu-fleet.ts';
import { type Condition, conditionOn, passes } from './gpu-oracle.ts';

/** A key of a request's filter, and whether a GPU passes it by plain reading. */
export interface Key {
  name: string;
  value: unknown;
  passes(gpu: KnownGpu): boolean;
}

export interface AskedRequest {
  count: number;
  keys: Key[];
  sameNode?: boolean;
  sameModel?: boolean;
  distinctProviders?: boolean;
  excludeWarnings?: boolean;
}

const jsonOf = ({ operator, operand }: Condition) => (operator === 'eq' ? operand : { [operator]: operand });
const bodyOf = (condition: Condition) => ({ [condition.field]: jsonOf(condition) });

const single = (condition: Condition): Key => ({
  name: condition.field,
  value: jsonOf(condition),
  passes: (gpu) => passes(gpu, condition),
});

/** Two comparisons under one key. */
const both = (condition: Condition): Key => ({
  name: condition.field,
  value: { exists: true, [condition.operator]: condition.operand },
  passes: (gpu) => passes(gpu, condition) && passes(gpu, { ...condition, operator: 'exists', operand: true }),
});

const nested: Record<string, (first: Condition, second: Condition) => Key> = {
  any: (first, second) => ({
    name: 'any',
    value: [bodyOf(first), bodyOf(second)],
    passes: (gpu) => passes(gpu, first) || passes(gpu, second),
  }),
  all: (first, second) => ({
    name: 'all',
    value: [bodyOf(first), bodyOf(second)],
    passes: (gpu) => passes(gpu, first) && passes(gpu, second),
  }),
  not: (first) => ({ name: 'not', value: bodyOf(first), passes: (gpu) => !passes(gpu, first) }),
};

function keyOn(fleet: readonly KnownGpu[]): fc.Arbitrary<Key> {
  const condition = conditionOn(fleet);
  const several = fc.tuple(fc.constantFrom(...Object.values(nested)), condition, condition);
  return fc.oneof(
    { weight: 5, arbitrary: condition.map(single) },
    {
      weight: 2,
      arbitrary: condition.filter(({ operator }) => !['eq', 'exists'].includes(operator)).map(both),
    },
    { weight: 1, arbitrary: several.map(([make, first, second]) => make(first, second)) },
  );
}

/** A request whose values occur in the fleet. */
export const requestOn = (fleet: readonly KnownGpu[]): fc.Arbitrary<AskedRequest> =>
  fc.record(
    {
      count: fc.constantFrom(1, 2, 3, 5, 9, 40, 300),
      keys: fc.uniqueArray(keyOn(fleet), { selector: ({ name }) => name, maxLength: 4 }),
      sameNode: fc.boolean(),
      sameModel: fc.boolean(),
      distinctProviders: fc.boolean(),
      excludeWarnings: fc.boolean(),
    },
    { requiredKeys: ['count', 'keys'] },
  );

/** The request as a caller writes it. */
export const bodyOfRequest = ({ keys, ...rest }: AskedRequest) => ({
  filter: Object.fromEntries(keys.map(({ name, value }) => [name, value])),
  ...rest,
});

const bonds = ['sameNode', 'sameModel', 'distinctProviders'] as const;
type Bond = (typeof bonds)[number];

interface Sums {
  gpus: number;
  nodes: number;
  providers: number;
}

const sumsOf = (gpus: readonly KnownGpu[]): Sums => ({
  gpus: gpus.length,
  nodes: new Set(gpus.map(({ nodeId }) => nodeId)).size,
  providers: new Set(gpus.map(({ providerId }) => providerId)).size,
});

const minus = (a: Sums, b: Sums): Sums => ({
  gpus: a.gpus - b.gpus,
  nodes: a.nodes - b.nodes,
  providers: a.providers - b.providers,
});

const modelOf = ({ modelId, name }: KnownGpu): string =>
  modelId === 'uncatalogued' ? String(name).toLowerCase() : String(modelId);

/** The GPUs of teams that can supply `count`: one team without a bond, which then is not asked for its size. */
function inTeams(gpus: readonly KnownGpu[], held: readonly Bond[], count: number): KnownGpu[] {
  if (held.length === 0) return [...gpus];
  const teamOf = (gpu: KnownGpu) =>
    [held.includes('sameNode') && gpu.nodeId, held.includes('sameModel') && modelOf(gpu)].join();
  const teams = new Map<string, KnownGpu[]>();
  for (const gpu of gpus) {
    const team = teams.get(teamOf(gpu));
    if (team) team.push(gpu);
    else teams.set(teamOf(gpu), [gpu]);
  }
  return [...teams.values()].flatMap((team) => {
    const size = held.includes('distinctProviders') ? sumsOf(team).providers : team.length;
    return size >= count ? team : [];
  });
}

/** Total and filters of an explanation, worked out from the words of its promise. */
export function expectedExplain(fleet: readonly KnownGpu[], request: AskedRequest) {
  const { count, keys, excludeWarnings } = request;
  const tests: Key[] = [
    { name: 'schedulable', value: true, passes: (gpu) => gpu.schedulable === true },
    { name: 'free', value: true, passes: (gpu) => gpu.allocationState === 'free' },
    ...keys,
  ];
  if (excludeWarnings)
    tests.push({ name: 'excludeWarnings', value: true, passes: ({ health }) => health !== 'warning' });
  const asked = bonds.filter((bond) => request[bond]);
  const shown = fleet.filter(({ lifecycle }) => lifecycle !== 'retired');
  const verdicts = new Map(tests.map((test) => [test, new Set(shown.filter((gpu) => test.passes(gpu)))]));
  const left = (chosen: readonly Key[], held: readonly Bond[]): Sums => {
    const passing = shown.filter((gpu) => chosen.every((test) => verdicts.get(test)?.has(gpu)));
    return sumsOf(inTeams(passing, held, count));
  };
  const filters = [
    ...tests.map((test, at) => ({
      filter: test.name,
      value: test.value,
      removed: minus(left(tests.slice(0, at), []), left(tests.slice(0, at + 1), [])),
      remaining: left(tests.slice(0, at + 1), []),
      ifDropped: left(
        tests.filter((other) => other !== test),
        asked,
      ),
    })),
    ...asked.map((bond, at) => ({
      filter: bond,
      value: true,
      removed: minus(left(tests, asked.slice(0, at)), left(tests, asked.slice(0, at + 1))),
      remaining: left(tests, asked.slice(0, at + 1)),
      ifDropped: left(
        tests,
        asked.filter((other) => other !== bond),
      ),
    })),
  ];
  return { total: sumsOf(shown), filters };
}
