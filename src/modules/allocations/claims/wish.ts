import sql, { join, type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import { parseFilterBody } from '../../../kernel/filters/body.ts';
import type { FilterDefinition } from '../../../kernel/filters/filters.ts';
import { compileFilters, whereAll } from '../../../kernel/filters/sql.ts';
import type { GpuRequest } from '../schemas.ts';
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
  /** What a GPU must satisfy beside being free and schedulable; over `tables`. */
  condition: Sql;
  /** `gpu_state s` and whatever else is read. */
  tables: Sql;
}

/**
 * Compiles a request; `pointer` says where its filter stands in the body.
 *
 * @throws 400 `request.invalid` naming what the filter does not know.
 */
export function wishOf(
  { filters, relations }: GpuSearch,
  request: Static<typeof GpuRequest>,
  pointer = '/request/filter',
): Wish {
  const { count, filter = {}, objective = 'cheapest', excludeWarnings = false } = request;
  const asked = compileFilters(filters, parseFilterBody(filters, filter, pointer), {
    moment: sql`clock_timestamp()`,
  });
  const several = count > 1;
  const sameModel = several && request.sameModel === true;
  const read = new Set(asked.flatMap((predicate) => [...predicate.relations]));
  if (sameModel) read.add('gpu');
  const joins = Object.entries(relations).flatMap(([name, joined]) => (read.has(name) ? [joined] : []));
  return {
    count,
    objective,
    sameModel,
    sameNode: several && request.sameNode === true,
    distinctProviders: several && request.distinctProviders === true,
    condition: excludeWarnings ? sql`${whereAll(asked)} AND s.health <> 'warning'` : whereAll(asked),
    tables: join([sql`inventory.gpu_state s`, ...joins], ' '),
  };
}
