import { bestSet, bestSets } from './best-sets.ts';
import { compareSets, type GpuClass, type GpuSet, type Problem } from './problem.ts';

/** GPUs of these parts must be of one team: of one node, say. */
export interface TeamRule {
  parts: readonly number[];
  teamOf(cls: GpuClass): string;
}

/** A team that could serve its rule's parts. */
interface Team {
  name: string;
  /** No set that takes it can weigh less in these parts. */
  bound: bigint;
}

/** One team for each rule, by their places. */
interface Choice {
  teams: readonly number[];
  bound: bigint;
}

/** A class as one choice of teams sees it. */
type Narrowed<Class extends GpuClass> = GpuClass & { whole: Class };

/**
 * Choices of teams that are tried for one request. One restriction never needs more than the answer is long; parts that
 * take each other's teams may, since to place them is a bin packing.
 */
const maxChoices = 400;

/**
 * The sets that serve a request with parts of one team each, best first. Teams are tried in the order of what they could
 * weigh at best, and a set is told once no untried choice can beat it (branch and bound).
 */
export function* bestTeamSets<Class extends GpuClass>(
  problem: Problem<Class>,
  rules: readonly TeamRule[],
  most: number,
): Generator<GpuSet<Class>> {
  const teams = rules.map((rule, at) =>
    teamsOf(problem, rule, new Set(rules.slice(0, at).flatMap((other) => other.parts))),
  );
  const choices = choicesOf(teams, boundOfOthers(problem, rules));
  const open: { head: GpuSet<Class>; rest: Generator<GpuSet<Class>> }[] = [];
  const proceed = (rest: Generator<GpuSet<Class>>) => {
    const { value: head, done } = rest.next();
    if (done) return;
    const at = open.findIndex((other) => compareSets(head, other.head) < 0);
    open.splice(at < 0 ? open.length : at, 0, { head, rest });
  };
  const told = new Set<string>();
  let upcoming = choices.next();
  for (let tried = 0; told.size < most; ) {
    const best = open[0];
    if (!upcoming.done && tried < maxChoices && (!best || upcoming.value.bound <= best.head.weight)) {
      const names = upcoming.value.teams.map((place, rule) => teams[rule]?.[place]?.name);
      proceed(narrowedSets(problem, rules, names, most));
      upcoming = choices.next();
      tried++;
    } else if (best) {
      open.shift();
      const key = best.head.ranks.join();
      if (!told.has(key)) yield best.head;
      told.add(key);
      proceed(best.rest);
    } else return;
  }
}

/** What a part weighs at best where no other part is in its way; null where it cannot be served. */
const boundOf = <Class extends GpuClass>({ parts, classes }: Problem<Class>, part: number): bigint | null => {
  const alone = parts[part];
  const fitting = classes.filter((cls) => cls.parts.includes(part)).map((cls) => ({ ...cls, parts: [0] }));
  return alone ? (bestSet({ parts: [alone], classes: fitting })?.weight ?? null) : null;
};

/** The teams that can serve all parts of a rule, the most promising first; what others count is left out of the bound. */
function teamsOf<Class extends GpuClass>(
  problem: Problem<Class>,
  { parts, teamOf }: TeamRule,
  counted: ReadonlySet<number>,
): Team[] {
  const byTeam = new Map<string, Class[]>();
  for (const cls of problem.classes) {
    const members = byTeam.get(teamOf(cls)) ?? [];
    members.push(cls);
    byTeam.set(teamOf(cls), members);
  }
  return [...byTeam]
    .flatMap(([name, classes]) => {
      let sum = 0n;
      for (const part of parts) {
        const bound = boundOf({ ...problem, classes }, part);
        if (bound === null) return [];
        if (!counted.has(part)) sum += bound;
      }
      return [{ name, bound: sum }];
    })
    .sort((a, b) => (a.bound < b.bound ? -1 : Number(a.bound > b.bound)));
}

/** What the parts without a rule weigh at best. */
function boundOfOthers<Class extends GpuClass>(
  problem: Problem<Class>,
  rules: readonly TeamRule[],
): bigint | null {
  const ruled = new Set(rules.flatMap(({ parts }) => parts));
  let sum = 0n;
  for (const part of problem.parts.keys()) {
    if (ruled.has(part)) continue;
    const bound = boundOf(problem, part);
    if (bound === null) return null;
    sum += bound;
  }
  return sum;
}

/** Every choice of one team for each rule, by the sum of their bounds; made as they are asked for. */
function* choicesOf(teams: readonly Team[][], others: bigint | null): Generator<Choice> {
  if (others === null || teams.some(({ length }) => length === 0)) return;
  const of = (places: readonly number[]): Choice => ({
    teams: places,
    bound: places.reduce((sum, place, rule) => sum + (teams[rule]?.[place]?.bound ?? 0n), others),
  });
  const queue = [of(teams.map(() => 0))];
  const seen = new Set<string>();
  for (let next = queue.shift(); next; next = queue.shift()) {
    yield next;
    for (const [rule, place] of next.teams.entries()) {
      const places = next.teams.with(rule, place + 1);
      if (place + 1 === teams[rule]?.length || seen.has(places.join())) continue;
      seen.add(places.join());
      const choice = of(places);
      const at = queue.findIndex((other) => choice.bound < other.bound);
      queue.splice(at < 0 ? queue.length : at, 0, choice);
    }
  }
}

/** The sets in which each rule's parts are of the team named for it. */
function* narrowedSets<Class extends GpuClass>(
  { parts, classes }: Problem<Class>,
  rules: readonly TeamRule[],
  names: readonly (string | undefined)[],
  most: number,
): Generator<GpuSet<Class>> {
  const allowed = (cls: Class, part: number) =>
    rules.every((rule, at) => !rule.parts.includes(part) || rule.teamOf(cls) === names[at]);
  const narrowed = classes.flatMap((whole): Narrowed<Class>[] => {
    const served = whole.parts.filter((part) => allowed(whole, part));
    return served.length > 0 ? [{ ...whole, parts: served, whole }] : [];
  });
  for (const { taken, ...set } of bestSets({ parts, classes: narrowed }, most))
    yield { ...set, taken: new Map([...taken].map(([cls, count]) => [cls.whole, count])) };
}
