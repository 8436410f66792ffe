import type { Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import { invalid } from '../../../kernel/errors.ts';
import type { Objective } from '../claims/objectives.ts';
import { attemptsOf, conditionOf, countOf, type Fitting, fittingOf, type GpuSearch } from '../claims/wish.ts';
import type { GpuAlternative, GpuGroup, GpuRequest } from '../schemas.ts';
import { askedMemoryMb } from './asked-memory.ts';
import type { Part } from './problem.ts';

type Request = Static<typeof GpuAlternative>;

/** What the GPUs of one part must be like, and have in common. */
export interface PlannedPart extends Part, Fitting {
  sameNode: boolean;
  sameModel: boolean;
  askedMemoryMb: number;
}

/** A request as the search for candidates reads it: one part, or one for each group. */
export interface Plan {
  objective: Objective;
  parts: readonly PlannedPart[];
  /** What the GPUs of several groups have in common. */
  together: { sameNode: boolean; sameModel: boolean };
  /** Whether GPUs of different nodes are told apart. */
  byNode: boolean;
  /** GPUs in all. */
  count: number;
  /** `gpu_state s` and whatever else is read. */
  tables: Sql;
  /** Free, and schedulable for as long as it is wanted; over `gpu_state s`. */
  free: Sql;
}

/** A request and its alternatives in the order in which they are tried; `pointer` says where it stands in the body. */
export const plansOf = (
  search: GpuSearch,
  request: Static<typeof GpuRequest>,
  pointer: string,
  free: Sql,
): Plan[] =>
  attemptsOf(request, pointer).map((attempt) => planOf(search, attempt.request, attempt.pointer, free));

/**
 * Compiles a request; `pointer` says where it stands in the body.
 *
 * @throws 400 `request.invalid` naming a field that is missing, not known, or at odds with the groups.
 */
export function planOf(search: GpuSearch, request: Request, pointer: string, free: Sql): Plan {
  const own = conditionOf(search, request, `${pointer}/filter`);
  if (request.groups) {
    checkGroups(request, pointer);
    for (const [at, group] of request.groups.entries())
      conditionOf(search, group, `${pointer}/groups/${at}/filter`);
  }
  const asks = request.groups ? merged(request.groups) : [{ ...request, count: countOf(request, pointer) }];
  const conditions = asks.map((ask) => (request.groups ? [own, conditionOf(search, ask, pointer)] : [own]));
  const { sameNode = false, sameModel = false } = request;
  const grouped = asks.length > 1;
  const parts = asks.map((ask, at) =>
    partOf(ask, fittingOf(search, ...(conditions[at] ?? [])), request, grouped),
  );
  return {
    objective: request.objective ?? 'cheapest',
    parts,
    together: { sameNode: grouped && sameNode, sameModel: grouped && sameModel },
    byNode: sameNode || (request.groups ?? []).some((group) => group.sameNode === true),
    count: sum(asks),
    free,
    tables: fittingOf(search, ...conditions.flat()).tables,
  };
}

const isPlain = ({ count, sameNode, sameModel, distinctProviders }: Static<typeof GpuGroup>): boolean =>
  count === 1 || !(sameNode || sameModel || distinctProviders);

/** Groups that ask for the same, and for nothing in common, are one: eight of one GPU are as good as one of eight. */
function merged(groups: readonly Static<typeof GpuGroup>[]): Static<typeof GpuGroup>[] {
  const byAsk = new Map<string, Static<typeof GpuGroup>>();
  for (const [at, group] of groups.entries()) {
    const { sameNode, sameModel, distinctProviders, count, ...plain } = group;
    const key = isPlain(group) ? JSON.stringify([plain.filter, plain.excludeWarnings]) : String(at);
    const { count: before } = byAsk.get(key) ?? { count: 0 };
    byAsk.set(key, isPlain(group) ? { ...plain, count: before + count } : group);
  }
  return [...byAsk.values()];
}

const sum = (asks: readonly { count: number }[]): number =>
  asks.reduce((total, { count }) => total + count, 0);

/** What the request says beside its groups holds for their sum; where there is one only, for that one. */
function partOf(
  ask: Static<typeof GpuGroup>,
  fitting: Fitting,
  request: Request,
  grouped: boolean,
): PlannedPart {
  const said = grouped ? [ask] : [ask, request];
  const holds = (name: 'sameNode' | 'sameModel') => ask.count > 1 && said.some((of) => of[name] === true);
  return {
    count: ask.count,
    ...fitting,
    sameNode: holds('sameNode'),
    sameModel: holds('sameModel'),
    distinctProviders: ask.count > 1 && ask.distinctProviders === true,
    askedMemoryMb: Math.max(askedMemoryMb(ask.filter), askedMemoryMb(request.filter)),
  };
}

/** Most GPUs that one request can be for, all groups together. */
const maxCount = 1000;

function checkGroups({ count, groups = [], distinctProviders }: Request, pointer: string): void {
  if (distinctProviders !== undefined)
    throw invalid(`${pointer}/distinctProviders`, 'goes into the groups where there are any');
  if (count !== undefined && count !== sum(groups))
    throw invalid(`${pointer}/count`, `differs from the sum of the groups, ${sum(groups)}`);
  if (sum(groups) > maxCount)
    throw invalid(`${pointer}/groups`, `ask for more than ${maxCount} GPUs together`);
}
