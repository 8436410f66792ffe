import sql, { join, type Sql } from 'sql-template-tag';
import type { Scalar } from '../../../kernel/filters/field.ts';
import type { FilterAst } from '../../../kernel/filters/filters.ts';
import type { Sort } from '../../../kernel/http/sort.ts';
import type { CatalogueApi } from '../../catalogue/index.ts';

/** More look-ups than this cost more than one walk along the prices. */
const maxLookups = 64;

/** How a search for the cheapest free GPUs may go about it. */
export interface CheapestPlan {
  /** The model ids, if the filters name them. */
  models: readonly string[] | null;
  /** The regions, if the filters name them. */
  regions: readonly string[] | null;
}

/** What the filters want a property to be equal to; null where they do not say. */
function wanted(filters: FilterAst, ...names: string[]): Scalar[] | null {
  for (const { test } of filters) {
    if (!('field' in test) || !names.includes(test.field)) continue;
    if (test.operator === 'eq' || test.operator === 'in') return [test.operand].flat();
  }
  return null;
}

const unused = (filters: FilterAst): boolean =>
  wanted(filters, 'isAllocated')?.[0] === false || wanted(filters, 'allocationState')?.[0] === 'free';

/**
 * Whether a search can use the indexes of free, schedulable GPUs by price: it asks for such GPUs, cheapest first.
 * Null where it cannot; the plain search is always right.
 */
export function planCheapest(
  filters: FilterAst,
  sort: Sort,
  find: CatalogueApi['find'],
): CheapestPlan | null {
  const byPrice = sort.length === 2 && sort[0]?.name === 'pricePerHourNanoUsd' && sort[0].direction === 'asc';
  const schedulable = wanted(filters, 'schedulable')?.[0] === true;
  if (!byPrice || !schedulable || !unused(filters)) return null;
  const models = distinct(wanted(filters, 'model', 'modelId')?.flatMap((text) => find(String(text))));
  const regions = models && distinct(wanted(filters, 'region')?.map(String));
  if (models && models.length * (regions?.length ?? 1) > maxLookups) return { models: null, regions: null };
  return { models, regions };
}

const distinct = (texts: readonly string[] | undefined): string[] | null =>
  texts ? [...new Set(texts)] : null;

interface Page {
  /** `gpu_state s` and what the condition reads. */
  tables: Sql;
  /** All that the strict check asks, paging included. */
  condition: Sql;
  columns: Sql;
  order: Sql;
  limit: number;
}

/**
 * The same page in another way: one walk along an index by price for each model and region (a loose index scan, as a
 * range over several of them has no order to follow), which each stop after a page, plus the few GPUs on hold that
 * may be free again. `columns` must name `price` and `gpu_id`.
 *
 * @see https://wiki.postgresql.org/wiki/Loose_indexscan
 */
export function cheapestSql(
  { models, regions }: CheapestPlan,
  { tables, condition, columns, order, limit }: Page,
): Sql {
  const lists = [
    ...(models ? [sql`unnest(${models}::text[]) AS wanted_model`] : []),
    ...(regions ? [sql`unnest(${regions}::text[]) AS wanted_region`] : []),
  ];
  const here = [
    ...(models ? [sql`s.model_id = wanted_model`] : []),
    ...(regions ? [sql`s.region = wanted_region`] : []),
    sql`s.used_units = 0`,
    condition,
  ];
  const free = sql`(SELECT ${columns} FROM ${tables} WHERE ${join(here, ' AND ')} ORDER BY ${order} LIMIT ${limit})`;
  const walks =
    lists.length === 0
      ? free
      : sql`(SELECT walk.* FROM ${join(lists, ' CROSS JOIN ')} CROSS JOIN LATERAL ${free} walk)`;
  const held = sql`(SELECT ${columns} FROM ${tables}
    WHERE s.used_units > 0 AND s.active_units = 0 AND ${condition} ORDER BY ${order} LIMIT ${limit})`;
  return sql`SELECT * FROM (${walks} UNION ALL ${held}) candidates ORDER BY price, gpu_id LIMIT ${limit}`;
}
