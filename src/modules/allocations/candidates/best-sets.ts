import { Matching } from './matching.ts';
import { compareSets, type GpuClass, type GpuSet, type Member, type Part, type Problem } from './problem.ts';

/** A set on its way: how many of each class, by its place among the classes, and who serves what. */
interface State<Class extends GpuClass> extends GpuSet<Class> {
  counts: readonly number[];
  matching: Matching;
}

const lighterFirst = (a: Member, b: Member): number => {
  if (a.weight !== b.weight) return a.weight < b.weight ? -1 : 1;
  return a.rank - b.rank;
};

const sizeOf = (parts: readonly Part[]): number => parts.reduce((sum, { count }) => sum + count, 0);

/** The best set of all: the lightest GPU that can still be placed, over and over. Null where not all can be served. */
export function bestSet<Class extends GpuClass>(problem: Problem<Class>): GpuSet<Class> | null {
  return greedy(problem);
}

function greedy<Class extends GpuClass>({ parts, classes }: Problem<Class>): State<Class> | null {
  const matching = new Matching(parts, classes);
  const counts = classes.map(() => 0);
  const closed = new Set<number>();
  const offers = classes
    .flatMap(({ members }, cls) => members.map((member) => ({ ...member, cls })))
    .sort(lighterFirst);
  let missing = sizeOf(parts);
  for (const { cls } of offers) {
    if (missing === 0) break;
    if (closed.has(cls)) continue;
    // What cannot be placed now never can: those placed stay placed.
    if (!matching.add(cls)) closed.add(cls);
    else {
      counts[cls] = (counts[cls] as number) + 1;
      missing -= 1;
    }
  }
  return missing === 0 ? stateOf(classes, counts, matching) : null;
}

function stateOf<Class extends GpuClass>(
  classes: readonly Class[],
  counts: readonly number[],
  matching: Matching,
): State<Class> {
  const taken = new Map(classes.flatMap((cls, at) => (counts[at] ? [[cls, counts[at] as number]] : [])));
  const members = [...taken].flatMap(([cls, count]) => cls.members.slice(0, count));
  return {
    counts,
    matching,
    taken,
    weight: members.reduce((sum, { weight }) => sum + weight, 0n),
    ranks: members.map(({ rank }) => rank).sort((a, b) => a - b),
  };
}

/**
 * The sets that serve a request, best first, one after another as they are asked for. Each next one is among the sets
 * that differ from an earlier one by one exchanged GPU, because no set is a dead end: from any set but the best an
 * exchange leads to a better one (the sets are the bases of a matroid). `most` says how many will be asked for, so
 * that no more are kept than that: the work grows with the answer and not with the number of combinations.
 */
export function* bestSets<Class extends GpuClass>(
  problem: Problem<Class>,
  most: number,
): Generator<GpuSet<Class>> {
  const best = greedy(problem);
  const frontier: State<Class>[] = best ? [best] : [];
  const seen = new Set(best ? [best.counts.join()] : []);
  for (let left = most; left > 0; left--) {
    const next = frontier.shift();
    if (!next) return;
    yield next;
    // Some of its neighbours may have been told already, so as many are looked at as there are answers in all.
    for (const state of exchanges(problem, next, most)) {
      const key = state.counts.join();
      if (seen.has(key)) continue;
      seen.add(key);
      insert(frontier, state, left - 1);
    }
  }
}

/** Keeps the best `most` of a sorted list. */
function insert<Class extends GpuClass>(frontier: State<Class>[], state: State<Class>, most: number): void {
  const at = frontier.findIndex((other) => compareSets(state, other) < 0);
  frontier.splice(at < 0 ? frontier.length : at, 0, state);
  frontier.length = Math.min(frontier.length, most);
}

/** The end of a class in a set: the GPU that would leave it, or the one that would come. */
interface End {
  cls: number;
  member: Member;
}

interface Exchange {
  out: End;
  in: End;
}

/** Which of two exchanges in one set makes the better set, by the same rule as `compareSets`. */
function compareExchanges(a: Exchange, b: Exchange): number {
  const [aStep, bStep] = [a.in.member.weight - a.out.member.weight, b.in.member.weight - b.out.member.weight];
  if (aStep !== bStep) return aStep < bStep ? -1 : 1;
  if (a.out.cls === b.out.cls) return a.in.member.rank - b.in.member.rank;
  if (a.in.cls === b.in.cls) return b.out.member.rank - a.out.member.rank;
  return Math.min(a.in.member.rank, b.out.member.rank) - Math.min(b.in.member.rank, a.out.member.rank);
}

/**
 * The best `most` sets that one exchange makes. Both sides are walked from their best end, so that a pair which is not
 * good enough ends its row, and a row without a good pair ends the walk.
 */
function exchanges<Class extends GpuClass>(
  { classes }: Problem<Class>,
  { counts, matching }: State<Class>,
  most: number,
): State<Class>[] {
  const ends = (memberOf: (cls: Class, count: number) => Member | undefined): End[] =>
    classes
      .flatMap((cls, at) => {
        const member = memberOf(cls, counts[at] as number);
        return member ? [{ cls: at, member }] : [];
      })
      .sort((a, b) => lighterFirst(a.member, b.member));
  const outs = ends(({ members }, count) => members[count - 1]).reverse();
  const ins = ends(({ members }, count) => members[count]);
  const kept: (Exchange & { matching: Matching })[] = [];
  const isGood = (exchange: Exchange): boolean => {
    const worst = kept.at(-1);
    return kept.length < most || (worst !== undefined && compareExchanges(exchange, worst) < 0);
  };
  for (const out of outs) {
    const [first] = ins;
    if (!first || !isGood({ out, in: first })) break;
    let without = matching.copy();
    without.remove(out.cls);
    for (const incoming of ins) {
      const exchange = { out, in: incoming };
      if (!isGood(exchange)) break;
      if (incoming.cls === out.cls || !without.add(incoming.cls)) continue;
      const at = kept.findIndex((other) => compareExchanges(exchange, other) < 0);
      kept.splice(at < 0 ? kept.length : at, 0, { ...exchange, matching: without });
      kept.length = Math.min(kept.length, most);
      without = matching.copy();
      without.remove(out.cls);
    }
  }
  return kept.map((exchange) => {
    const after = counts.with(exchange.out.cls, (counts[exchange.out.cls] as number) - 1);
    after[exchange.in.cls] = (after[exchange.in.cls] as number) + 1;
    return stateOf(classes, after, exchange.matching);
  });
}
