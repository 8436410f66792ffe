import sql, { join, type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import { invalid } from '../../../kernel/errors.ts';
import { parseFilterBody } from '../../../kernel/filters/body.ts';
import type { FilterDefinition } from '../../../kernel/filters/filters.ts';
import { compileFilters, whereAll } from '../../../kernel/filters/sql.ts';
import type { GpuAlternative } from '../schemas.ts';
import type { Objective } from './objectives.ts';

/** What GPUs can be asked for: filters over `gpu_state s`, and the tables that they read beside it. */
export interface GpuSearch {
  filters: FilterDefinition;
  relations: Readonly<Record<string, Sql>>;
}

/** A request as the choice of GPUs reads it. One GPU is always on one node, of one model and of one provider. */
export interface Wish {
  count: number;
  sameNode: boolean;
  sameModel: boolean;
  distinctProviders: boolean;
  objective: Objective;
  /** Thousandths of each GPU. */
  share: number;
  /** What a GPU must satisfy beside being free and schedulable; over `tables`. */
  condition: Sql;
  /** `gpu_state s` and whatever else is read. */
  tables: Sql;
}

/** What a GPU must be like, and which tables tell. */
export interface Condition {
  /** Over `gpu_state s` and the relations. */
  sql: Sql;
  relations: ReadonlySet<string>;
}

/**
 * Compiles what a request says of each GPU; `pointer` says where its filter stands in the body.
 *
 * @throws 400 `request.invalid` naming what the filter does not know.
 */
export function conditionOf(
  { filters }: GpuSearch,
  { filter = {}, excludeWarnings = false }: { filter?: object; excludeWarnings?: boolean },
  pointer: string,
): Condition {
  const asked = compileFilters(filters, parseFilterBody(filters, filter, pointer), {
    moment: sql`clock_timestamp()`,
  });
  return {
    sql: excludeWarnings ? sql`${whereAll(asked)} AND s.health <> 'warning'` : whereAll(asked),
    relations: new Set(asked.flatMap((predicate) => [...predicate.relations])),
  };
}

/** `gpu_state s` and those of the relations that are read. */
export function tablesOf({ relations }: GpuSearch, read: ReadonlySet<string>): Sql {
  const joins = Object.entries(relations).flatMap(([name, joined]) => (read.has(name) ? [joined] : []));
  return join([sql`inventory.gpu_state s`, ...joins], ' ');
}

/** How many GPUs a request without groups is for. */
export function countOf({ count }: Static<typeof GpuAlternative>, pointer: string): number {
  if (count === undefined) throw invalid(`${pointer}/count`, 'is required where there are no groups');
  return count;
}

/** Compiles a request without groups; `pointer` says where it stands in the body. */
export function wishOf(
  search: GpuSearch,
  request: Static<typeof GpuAlternative>,
  pointer: string,
  share: number,
): Wish {
  const { objective = 'cheapest' } = request;
  const count = countOf(request, pointer);
  const condition = conditionOf(search, request, `${pointer}/filter`);
  const several = count > 1;
  const sameModel = several && request.sameModel === true;
  return {
    count,
    objective,
    share,
    sameModel,
    sameNode: several && request.sameNode === true,
    distinctProviders: several && request.distinctProviders === true,
    condition: condition.sql,
    tables: tablesOf(search, sameModel ? new Set([...condition.relations, 'gpu']) : condition.relations),
  };
}
