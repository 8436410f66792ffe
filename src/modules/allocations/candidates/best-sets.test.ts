import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bestSets } from './best-sets.ts';
import { compareSets, type GpuClass, type GpuSet, type Part, type Problem } from './problem.ts';
import { bestTeamSets } from './teams.ts';

const flatPart = fc.record({ count: fc.integer({ min: 1, max: 2 }), distinctProviders: fc.boolean() });

const someClass = fc.record({
  parts: fc.uniqueArray(fc.constantFrom(0, 1, 2), { minLength: 1 }),
  providerId: fc.constantFrom('p', 'q', 'r'),
  nodeId: fc.constantFrom('n', 'm'),
  weights: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }),
});

/** Up to three parts over up to five classes, with weights that often tie. */
const someProblem: fc.Arbitrary<Problem> = fc
  .tuple(fc.array(flatPart, { minLength: 1, maxLength: 3 }), fc.array(someClass, { maxLength: 5 }))
  .map(([parts, classes]) => {
    let rank = 0;
    return {
      parts,
      classes: classes
        .map(({ parts: fitted, weights, ...cls }) => ({
          ...cls,
          model: 'model',
          parts: fitted.filter((part) => part < parts.length),
          members: weights
            .sort((a, b) => a - b)
            .map((weight) => ({ gpuId: `gpu-${++rank}`, weight: BigInt(weight), rank, aspects: [] })),
        }))
        .filter((cls) => cls.parts.length > 0),
    };
  });

describe('bestSets', () => {
  it('tells the sets that trying every combination finds, in their order', () => {
    fc.assert(
      fc.property(someProblem, fc.integer({ min: 1, max: 12 }), (problem, most) => {
        const expected = everySet(problem).slice(0, most);
        expect([...bestSets(problem, most)].map(({ ranks }) => ranks)).toEqual(expected);
      }),
      { numRuns: 500, seed: 20_261_125 },
    );
  });

  it('answers for a thousand GPUs among as many classes without trying what it does not tell', () => {
    const classes = Array.from({ length: 1100 }, (_, at) => oneOf(at, BigInt(at)));
    const sets = [...bestSets({ parts: [{ count: 1000, distinctProviders: false }], classes }, 10)];
    expect(sets.map(({ weight }) => weight - (sets[0] as GpuSet).weight)).toEqual(
      [0, 1, 2, 2, 3, 3, 3, 4, 4, 4].map(BigInt),
    );
  });
});

describe('bestTeamSets', () => {
  it('tells the sets whose parts are of one team each', () => {
    const teamOf = ({ nodeId }: GpuClass) => String(nodeId);
    fc.assert(
      fc.property(someProblem, fc.integer({ min: 1, max: 12 }), (problem, most) => {
        const rules = problem.parts.map((_, part) => ({ parts: [part], teamOf }));
        const expected = everySet(problem, teamOf).slice(0, most);
        expect([...bestTeamSets(problem, rules, most)].map(({ ranks }) => ranks)).toEqual(expected);
      }),
      { numRuns: 500, seed: 20_261_125 },
    );
  });
});

const oneOf = (at: number, weight: bigint): GpuClass => ({
  parts: [0],
  providerId: `provider-${at}`,
  nodeId: null,
  model: 'model',
  members: [{ gpuId: `gpu-${at}`, weight, rank: at, aspects: [] }],
});

/** The ranks of every set that serves all parts, best first, by trying each way to count the classes. */
function everySet({ parts, classes }: Problem, teamOf: (cls: GpuClass) => string = () => ''): number[][] {
  const size = parts.reduce((sum, { count }) => sum + count, 0);
  const sets = countings(classes, size).flatMap((counts) => {
    const units = classes.flatMap((cls, at) => Array<GpuClass>(counts[at] as number).fill(cls));
    if (!canServe(units, [...parts.entries()], teamOf)) return [];
    const members = classes.flatMap(({ members: of }, at) => of.slice(0, counts[at]));
    const weight = members.reduce((sum, member) => sum + member.weight, 0n);
    return [{ taken: new Map(), weight, ranks: members.map(({ rank }) => rank).sort((a, b) => a - b) }];
  });
  return sets.sort(compareSets).map(({ ranks }) => ranks);
}

function countings([first, ...rest]: readonly GpuClass[], size: number): number[][] {
  if (!first) return size === 0 ? [[]] : [];
  const most = Math.min(size, first.members.length);
  return Array.from({ length: most + 1 }, (_, count) =>
    countings(rest, size - count).map((others) => [count, ...others]),
  ).flat();
}

function canServe(
  units: readonly GpuClass[],
  [next, ...others]: [number, Part][],
  teamOf: (cls: GpuClass) => string,
): boolean {
  if (!next) return units.length === 0;
  const [at, { count, distinctProviders }] = next;
  return choices(units, count).some(([mine, rest]) => {
    const fits = mine.every(({ parts }) => parts.includes(at));
    const apart = !distinctProviders || new Set(mine.map(({ providerId }) => providerId)).size === count;
    const together = new Set(mine.map(teamOf)).size <= 1;
    return fits && apart && together && canServe(rest, others, teamOf);
  });
}

function choices<T>([first, ...rest]: readonly T[], count: number): [T[], T[]][] {
  if (count === 0) return [[[], first === undefined ? [] : [first, ...rest]]];
  if (first === undefined) return [];
  return [
    ...choices(rest, count - 1).map(([mine, others]): [T[], T[]] => [[first, ...mine], others]),
    ...choices(rest, count).map(([mine, others]): [T[], T[]] => [mine, [first, ...others]]),
  ];
}
