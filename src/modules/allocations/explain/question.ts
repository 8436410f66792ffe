import sql, { join, type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { Collection } from '../../../kernel/db/list.ts';
import { parseFilterBody } from '../../../kernel/filters/body.ts';
import type { FilterDefinition, Predicate } from '../../../kernel/filters/filters.ts';
import { type CompiledPredicate, compileFilters } from '../../../kernel/filters/sql.ts';
import { gpuTablesOf, type SchedulingPolicy, schedulableAt } from '../../inventory/index.ts';
import { hasRoomAt, isFreeAt } from '../free.ts';
import { wholeGpu } from '../life/domain.ts';
import type { GpuRequest } from '../schemas.ts';

type Request = Static<typeof GpuRequest>;

/** What of a request decides whether it fits. */
export type Asked = { count: number } & Pick<
  Request,
  'filter' | 'excludeWarnings' | 'sameNode' | 'sameModel' | 'distinctProviders'
>;

/** What the GPUs of one answer must have in common, or must not. */
export const bonds = ['sameNode', 'sameModel', 'distinctProviders'] as const;
export type Bond = (typeof bonds)[number];

/** One named condition on a single GPU, over `gpu_state s` and its relations. */
export interface GpuPredicate extends CompiledPredicate {
  value: unknown;
  /** As parsed, where it is a key of the request's filter. */
  key: Predicate | null;
}

/** A request as the counting reads it. */
export interface Question {
  count: number;
  /** For how many seconds the GPUs are wanted; null where no end was named. */
  placementS: number | null;
  /** Thousandths of each GPU. */
  share: number;
  /** In the order in which they are applied. */
  predicates: readonly GpuPredicate[];
  bonds: readonly Bond[];
  filters: FilterDefinition;
  /** What lists of GPUs show by default: the total. */
  shown: Sql;
  /** `gpu_state s` and whatever else is read. */
  tables: Sql;
}

/** What GPUs can be asked for. */
export interface ExplainedSearch {
  collection: Collection;
  policy: SchedulingPolicy;
}

/** One snapshot, one moment: the transaction only reads, and begins with its snapshot. */
export const moment = sql`now()`;

const plain = (name: string, condition: Sql): GpuPredicate => ({
  name,
  value: true,
  key: null,
  sql: condition,
  relations: new Set(),
});

function compile(filters: FilterDefinition, ast: readonly Predicate[]): GpuPredicate[] {
  const compiled = compileFilters(filters, ast, { moment });
  return ast.map((key, at) => ({ ...(compiled[at] as CompiledPredicate), value: key.value, key }));
}

/** The filter's keys and `excludeWarnings`, as they come in the body. */
function keysOf(filters: FilterDefinition, request: Asked, filter: readonly Predicate[]): GpuPredicate[] {
  return Object.keys(request).flatMap((key) => {
    if (key === 'filter') return compile(filters, filter);
    const excluded = key === 'excludeWarnings' && request.excludeWarnings;
    return excluded ? [plain(key, sql`s.health <> 'warning'`)] : [];
  });
}

/**
 * Takes a request apart into named conditions.
 *
 * @throws 400 `request.invalid` naming what the filter does not know.
 */
export function questionOf(
  { collection, policy }: ExplainedSearch,
  request: Asked,
  placementS: number | null,
  share: number,
): Question {
  const { filters } = collection;
  const filter = parseFilterBody(filters, request.filter ?? {});
  const predicates = [
    plain('schedulable', schedulableAt(moment, policy, placementS)),
    plain('free', share < wholeGpu ? hasRoomAt(moment, share) : isFreeAt(moment)),
    ...keysOf(filters, request, filter),
  ];
  const read = new Set(predicates.flatMap((predicate) => [...predicate.relations]));
  return {
    count: request.count,
    placementS,
    share,
    predicates,
    bonds: bonds.filter((bond) => request[bond]),
    filters,
    shown: join([sql`s.deleted_at IS NULL`, ...Object.values(collection.unlessFiltered ?? {})], ' AND '),
    tables: gpuTablesOf(read),
  };
}

/** The question with another value of one key, at its place. */
export function withValue(question: Question, place: number, value: unknown): Question {
  const { filters, predicates } = question;
  const name = predicates[place - 1]?.name ?? '';
  const [changed] = compile(filters, parseFilterBody(filters, { [name]: value }));
  return {
    ...question,
    predicates: predicates.map((given, at) => (at + 1 === place && changed ? changed : given)),
  };
}

/** The question with what is asked at one place asked no more; the others keep their places. */
export const withoutPlace = (question: Question, place: number): Question => ({
  ...question,
  predicates: question.predicates.map((given, at) =>
    at + 1 === place ? { ...given, sql: sql`TRUE`, key: null } : given,
  ),
});

export const withoutBond = (question: Question, bond: Bond): Question => ({
  ...question,
  bonds: question.bonds.filter((other) => other !== bond),
});
