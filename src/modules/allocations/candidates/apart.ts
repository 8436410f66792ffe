import { compareSets, type GpuClass, type GpuSet, type Member, type Problem } from './problem.ts';
import { bestTeamSets, type TeamRule } from './teams.ts';

/** A free GPU that knows which physical GPU it is a partition of; its own id where it is none. */
export interface RootedMember extends Member {
  rootGpuId: string;
}

/** Equal GPUs by the name of their class. */
export interface RootedClass extends GpuClass {
  key: string;
  members: readonly RootedMember[];
}

const isPhysical = ({ gpuId, rootGpuId }: RootedMember): boolean => gpuId === rootGpuId;

/** The physical GPUs that are on offer beside partitions of theirs, with how many these are. */
function contestedIn(classes: Iterable<RootedClass>): Map<string, number> {
  const members = [...classes].flatMap((cls) => cls.members);
  const physical = new Set(members.filter(isPhysical).map(({ gpuId }) => gpuId));
  const contested = new Map<string, number>();
  for (const { rootGpuId } of members.filter((member) => !isPhysical(member)))
    if (physical.has(rootGpuId)) contested.set(rootGpuId, (contested.get(rootGpuId) ?? 0) + 1);
  return contested;
}

/** The physical GPUs that a set needs as such, those with the fewest partitions on offer first. */
function neededAsSuch(taken: ReadonlyMap<RootedClass, number>, contested: ReadonlyMap<string, number>) {
  const partitionsOf = ({ gpuId }: RootedMember): number => contested.get(gpuId) ?? 0;
  const needed = [...taken].flatMap(([{ members }, count]) =>
    members
      .filter(isPhysical)
      .sort((a, b) => partitionsOf(a) - partitionsOf(b))
      .slice(0, Math.max(0, count - members.filter((member) => !isPhysical(member)).length)),
  );
  return new Set(needed.map(({ gpuId }) => gpuId));
}

/** The set of the GPUs that are left to its classes; undefined where they are too few. */
function setOf<Class extends RootedClass>(kept: readonly (readonly [Class, number])[]) {
  if (kept.some(([{ members }, count]) => members.length < count)) return undefined;
  const members = kept.flatMap(([cls, count]) => cls.members.slice(0, count));
  return {
    taken: new Map(kept),
    weight: members.reduce((sum, { weight }) => sum + weight, 0n),
    ranks: members.map(({ rank }) => rank).sort((a, b) => a - b),
  };
}

/** The set with those of its equal GPUs that can be used beside each other; undefined where there are none. */
function apart<Class extends RootedClass>(set: GpuSet<Class>): GpuSet<Class> | undefined {
  const contested = contestedIn(set.taken.keys());
  if (contested.size === 0) return set;
  const asSuch = neededAsSuch(set.taken, contested);
  const mayStay = (member: RootedMember): boolean =>
    !contested.has(member.rootGpuId) || asSuch.has(member.rootGpuId) === isPhysical(member);
  return setOf(
    [...set.taken].map(([cls, count]) => [{ ...cls, members: cls.members.filter(mayStay) }, count] as const),
  );
}

/** The classes without physical GPUs that are on offer through partitions as well. */
function throughPartitions<Class extends RootedClass>(classes: readonly Class[]): Class[] {
  const contested = contestedIn(classes);
  return classes
    .map((cls) => ({ ...cls, members: cls.members.filter(({ gpuId }) => !contested.has(gpuId)) }))
    .filter(({ members }) => members.length > 0);
}

/** What a set is to somebody who cannot tell equal GPUs apart. */
const nameOf = ({ taken }: GpuSet<RootedClass>): string =>
  [...taken]
    .map(([{ key }, count]) => `${count} ${key}`)
    .sort()
    .join();

/** Whether a set might use a physical GPU both as such and through its partitions. */
export const isMixed = ({ taken }: GpuSet<RootedClass>): boolean => contestedIn(taken.keys()).size > 0;

/** Sets that are looked at beside those that are wanted, as some are of no use. */
export const spare = 64;

/**
 * The best sets that use no physical GPU both as such and through its partitions. Where there are too few of them among
 * the first, the sets of partitions alone follow: they are as many GPUs or more.
 */
export function setsApart<Class extends RootedClass>(
  problem: Problem<Class>,
  rules: readonly TeamRule[],
  most: number,
): GpuSet<Class>[] {
  const sets = new Map<string, GpuSet<Class>>();
  for (const set of bestTeamSets(problem, rules, most + spare)) {
    const own = apart(set);
    if (own) sets.set(nameOf(own), own);
    if (sets.size === most) break;
  }
  const partitions = { ...problem, classes: throughPartitions(problem.classes) };
  const others = sets.size < most ? bestTeamSets(partitions, rules, most) : [];
  for (const set of others) if (!sets.has(nameOf(set))) sets.set(nameOf(set), set);
  return [...sets.values()].sort(compareSets).slice(0, most);
}
