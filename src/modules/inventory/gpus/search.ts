import sql, { empty, raw, type Sql } from 'sql-template-tag';
import { type Collection, type ListRequest, listCondition, type Page } from '../../../kernel/db/list.ts';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import type { FilterAst } from '../../../kernel/filters/filters.ts';
import { compileFilters } from '../../../kernel/filters/sql.ts';
import type { CursorCodec } from '../../../kernel/http/cursor.ts';
import { keysetPredicate, orderBy, readSortValues, sortValues } from '../../../kernel/http/keyset.ts';
import { project } from '../../../kernel/http/projection.ts';
import type { CatalogueApi } from '../../catalogue/index.ts';
import { cheapestSql, planCheapest } from './cheapest.ts';
import { gpuTablesOf } from './collection.ts';
import type { SchedulingPolicy } from './schedulability.ts';
import { type GpuRow, type GpuView, gpuColumns, gpuTables, toGpu } from './view.ts';

/** One moment for the whole statement, as the database keeps it: what a filter let pass looks so in the answer. */
const moment = sql`statement_timestamp()`;

/** `gpu_state s` and no more of the other tables than filters and sort read. */
const narrowTables = (collection: Collection, { filters, sort }: ListRequest): Sql =>
  gpuTablesOf(
    new Set([
      ...compileFilters(collection.filters, filters, { moment }).flatMap(({ relations }) => [...relations]),
      ...sort.flatMap(({ relation }) => relation ?? []),
    ]),
  );

/** The ids of a page, as cheaply as it can be had: `plain` takes the way that is always open. */
function pageSql(request: ListRequest, { collection, visible, find, plain }: Scope): Sql {
  const { filters, sort, after } = request;
  const paging = after ? sql` AND ${keysetPredicate(sort, after)}` : empty;
  const conditionOf = (asked: FilterAst) =>
    sql`${listCondition(collection, asked, { visible, moment })}${paging}`;
  const tables = narrowTables(collection, request);
  const order = orderBy(sort);
  // In the text itself: a plan that is made once for all then knows that it is small, and walks by index.
  const limit = raw(String(request.limit + 1));
  const cheapest = plain ? null : planCheapest(filters, sort, find);
  if (cheapest) return cheapestSql(cheapest, { tables, conditionOf, filters, order, limit });
  return sql`SELECT s.gpu_id FROM ${tables} WHERE ${conditionOf(filters)} ORDER BY ${order} LIMIT ${limit}`;
}

export interface Scope {
  collection: Collection;
  /** What the caller may see. */
  visible: Sql;
  find: CatalogueApi['find'];
  policy: SchedulingPolicy;
  /** Without the short cuts, for tests that compare the two. */
  plain?: boolean;
}

/**
 * A page with these columns, and one row more where there is another page. It is chosen on the narrow table first, by
 * key, and only its rows meet the wide ones: late row look-up.
 *
 * @see https://use-the-index-luke.com/no-offset
 */
export const pageOf = (
  request: ListRequest,
  scope: Scope,
  columns: Sql,
): Sql => sql`/* inventory:search_gpus */
  WITH page AS MATERIALIZED (${pageSql(request, scope)})
  SELECT ${columns}, ${sortValues(request.sort)} AS sort_values
    FROM page JOIN ${gpuTables} ON s.gpu_id = page.gpu_id
   ORDER BY ${orderBy(request.sort)}`;

/** A page with all that the API shows. */
export const searchSql = (request: ListRequest, scope: Scope): Sql =>
  pageOf(request, scope, gpuColumns(moment, scope.policy));

/** Where the next page begins; null where these rows end the list. */
export function pageEnd(
  rows: readonly { sortValues: string }[],
  { limit, scope }: ListRequest,
  cursors: CursorCodec,
): string | null {
  const last = rows[limit - 1];
  return rows.length > limit && last ? cursors.encode(scope, readSortValues(last.sortValues)) : null;
}

/** One page of GPUs as the API shows them. */
export async function searchGpus(
  db: Queryable,
  cursors: CursorCodec,
  request: ListRequest,
  scope: Scope,
): Promise<Page<Partial<GpuView>>> {
  const rows = await db.rows<GpuRow & { sortValues: string }>(searchSql(request, scope));
  return {
    items: rows.slice(0, request.limit).map((row) => project(toGpu(row), request.fields)),
    nextCursor: pageEnd(rows, request, cursors),
  };
}
