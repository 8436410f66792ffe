import type { Queryable } from '../../../kernel/db/transaction.ts';
import { isMixed, type RootedClass, setsApart, spare } from './apart.ts';
import type { Plan, PlannedPart } from './plan.ts';
import type { GpuSet, Member } from './problem.ts';
import { aspectsOf, scoreOf, weigh } from './score.ts';
import { availableSql, type ClassRow, supplySql } from './supply.ts';
import { bestTeamSets, type TeamRule } from './teams.ts';

/** A class of equal GPUs with what the API shows of it. */
export interface CountedClass extends RootedClass {
  modelId: string;
  available: number;
}

/** A set of GPUs that would serve a request now. */
export interface Candidate {
  classes: { modelId: string; nodeId?: string; count: number; available: number }[];
  gpuIds: string[];
  score: number;
  scoreTerms: Partial<Record<string, number>>;
}

/** A candidate that was found, with what is needed to take it. */
export interface Found {
  taken: GpuSet<CountedClass>['taken'];
  /** The candidate as the API shows it: the best of each class, or of those that `isMine` is true of. */
  pick(isMine: (member: Member) => boolean): Candidate;
}

/** Looked at first, and how many times more where that was not enough. */
const depths = { first: 64, factor: 8 };

/** The best `limit` candidates, the first of them what a claim would take. */
export async function findCandidates(db: Queryable, plan: Plan, limit: number): Promise<Found[]> {
  const rules = rulesOf(plan);
  let { classes, isCut } = await supplyOf(db, plan, limit);
  let sets = [...bestTeamSets({ parts: plan.parts, classes }, rules, limit)];
  if (sets.some(isMixed)) {
    ({ classes, isCut } = await supplyOf(db, plan, limit + spare));
    sets = setsApart({ parts: plan.parts, classes }, rules, limit);
  }
  const available = isCut ? await availableOf(db, plan, sets) : new Map();
  return sets.map(({ taken }) => ({
    taken,
    pick: (isMine) => {
      const picked = [...taken].map(
        ([cls, count]) => [cls, cls.members.filter(isMine).slice(0, count)] as const,
      );
      return candidateOf(plan, new Map(picked), available);
    },
  }));
}

interface Supply {
  classes: CountedClass[];
  /** Whether `available` counts only some of the GPUs. */
  isCut: boolean;
}

/** Looks at more and more GPUs until there are classes enough, whatever many of them are equal. */
async function supplyOf(db: Queryable, plan: Plan, limit: number): Promise<Supply> {
  for (let depth = firstDepth(plan, limit); ; depth *= depths.factor) {
    const rows = await db.rows<ClassRow>(supplySql(plan, { limit, depth }));
    const crowds = crowdsOf(plan, rows).filter(({ gpus }) => gpus >= depth);
    if (crowds.every(({ choices }) => choices.size >= plan.count + limit))
      return { classes: rows.map((row) => classOf(plan, row)), isCut: crowds.length > 0 };
  }
}

/** The GPUs of one part and team that were looked at. */
interface Crowd {
  gpus: number;
  /** What one can choose among: classes, or providers where each may be taken once. */
  choices: Set<string>;
}

function crowdsOf({ parts, together }: Plan, rows: readonly ClassRow[]): Crowd[] {
  const crowds = new Map<string, Crowd>();
  for (const { parts: fitted, nodeId, model, key, providerId, available } of rows) {
    for (const at of fitted) {
      const part = parts[at] as PlannedPart;
      const node = part.sameNode || together.sameNode ? nodeId : '';
      const name = [at, node, part.sameModel || together.sameModel ? model : ''].join(' ');
      const crowd = crowds.get(name) ?? { gpus: 0, choices: new Set() };
      crowd.gpus += available;
      crowd.choices.add(part.distinctProviders ? providerId : key);
      crowds.set(name, crowd);
    }
  }
  return [...crowds.values()];
}

/** The emptiest nodes often have nothing but equal GPUs, and to look again costs another pass over all nodes. */
function firstDepth({ count, objective }: Plan, limit: number): number {
  let depth = objective === 'spread' ? depths.first * depths.factor : depths.first;
  while (depth < 2 * (count + limit)) depth *= depths.factor;
  return depth;
}

function classOf({ objective }: Plan, row: ClassRow): CountedClass {
  const { gpuIds, rootGpuIds, free, ranks, own, ...shown } = row;
  const members = gpuIds.map((gpuId, at) => {
    const aspects = aspectsOf(objective, own, free[at] ?? 0);
    const [rootGpuId, rank] = [rootGpuIds[at] as string, ranks[at] as number];
    return { gpuId, rootGpuId, aspects, weight: weigh(aspects), rank };
  });
  return { ...shown, members };
}

/** Parts whose GPUs are of one node, or of one model, or both. */
function rulesOf({ parts, together }: Plan): TeamRule[] {
  const rule = (of: readonly number[], { sameNode, sameModel }: typeof together): TeamRule[] =>
    sameNode || sameModel
      ? [{ parts: of, teamOf: ({ nodeId, model }) => `${sameNode ? nodeId : ''} ${sameModel ? model : ''}` }]
      : [];
  return [...rule([...parts.keys()], together), ...parts.flatMap((part, at) => rule([at], part))];
}

/** A candidate of these members of its classes. */
function candidateOf(
  { objective, parts }: Plan,
  picked: ReadonlyMap<CountedClass, readonly Member[]>,
  available: ReadonlyMap<string, number>,
): Candidate {
  const members = [...picked.values()].flat();
  const sums = (members[0]?.aspects ?? []).map((_, at) =>
    members.reduce((sum, { aspects }) => sum + (aspects[at] as bigint), 0n),
  );
  const asked = parts.reduce((sum, { count, askedMemoryMb }) => sum + count * askedMemoryMb, 0);
  return {
    classes: [...picked].map(([{ key, modelId, nodeId, available: counted }, { length }]) => ({
      modelId,
      ...(nodeId !== null && { nodeId }),
      count: length,
      available: available.get(key) ?? counted,
    })),
    gpuIds: members.map(({ gpuId }) => gpuId),
    ...scoreOf(objective, sums, asked),
  };
}

async function availableOf(
  db: Queryable,
  plan: Plan,
  sets: readonly GpuSet<CountedClass>[],
): Promise<ReadonlyMap<string, number>> {
  const providers = new Set(
    sets.flatMap(({ taken }) => [...taken.keys()].map(({ providerId }) => providerId)),
  );
  const rows = await db.rows<{ key: string; available: number }>(availableSql(plan, [...providers]));
  return new Map(rows.map(({ key, available }) => [key, available]));
}
