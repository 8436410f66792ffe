import type { Objective } from '../claims/objectives.ts';

/** What can speak for or against a GPU. */
type Aspect = 'price' | 'memory' | 'unreliability' | 'free';

/** One aspect of an objective. */
interface Term {
  aspect: Aspect;
  /** Name of its score term. */
  name: 'price' | 'surplusMemoryMb' | 'reputation' | 'freeOnNode';
  /** 1: the less the better. */
  sign: 1 | -1;
  /** Points for each unit; the later a term, the fewer, so that it never outweighs an earlier one. */
  points: number;
}

/** Units of `unreliability` that make up a whole reputation. */
const reputationUnits = 1e9;

/**
 * Prices count in nano-USD by the hour, memory in MiB beyond what was asked for, free GPUs of the node by one. The points
 * follow from what is possible at all: 1,000 GPUs of up to 2 TiB weigh less than one nano-USD, and so on.
 */
const terms: Readonly<Record<Objective, readonly Term[]>> = {
  cheapest: [
    { aspect: 'price', name: 'price', sign: 1, points: 1 },
    { aspect: 'memory', name: 'surplusMemoryMb', sign: 1, points: 1e-13 },
    { aspect: 'free', name: 'freeOnNode', sign: 1, points: 1e-20 },
  ],
  best_fit: [
    { aspect: 'memory', name: 'surplusMemoryMb', sign: 1, points: 1 },
    { aspect: 'free', name: 'freeOnNode', sign: 1, points: 1e-7 },
  ],
  most_reliable: [
    { aspect: 'unreliability', name: 'reputation', sign: 1, points: 1 / reputationUnits },
    { aspect: 'price', name: 'price', sign: 1, points: 1e-32 },
  ],
  spread: [{ aspect: 'free', name: 'freeOnNode', sign: -1, points: 1 }],
};

/** A GPU's aspects in the order of their weight, the less the better; `own` are those that its own row tells. */
export function aspectsOf(objective: Objective, own: readonly string[], freeOnNode: number): bigint[] {
  const rest = own.map(BigInt);
  return terms[objective].map(({ aspect, sign }) =>
    aspect === 'free' ? BigInt(sign * freeOnNode) : (rest.shift() ?? 0n),
  );
}

/** Wider than any sum of an aspect, so that sums stay apart in one number. */
const width = 80n;

/** The aspects as one number, the first outweighing the next: what is lexicographically less is less. */
export const weigh = (aspects: readonly bigint[]): bigint =>
  aspects.reduce((sum, aspect) => (sum << width) + aspect, 0n);

export interface Score {
  score: number;
  scoreTerms: Partial<Record<Term['name'], number>>;
}

/**
 * The score of a set: the higher the better, the exact sum of its terms in their order. `sums` are its aspects added up,
 * `askedMemoryMb` what its memory is surplus to.
 */
export function scoreOf(objective: Objective, sums: readonly bigint[], askedMemoryMb: number): Score {
  const scoreTerms = terms[objective].map(({ aspect, name, points }, at) => {
    const sum = Number((sums[at] ?? 0n) - (aspect === 'memory' ? BigInt(askedMemoryMb) : 0n));
    return [name, sum === 0 ? 0 : -sum * points] as const;
  });
  return {
    score: scoreTerms.reduce((total, [, points]) => total + points, 0),
    scoreTerms: Object.fromEntries(scoreTerms),
  };
}
