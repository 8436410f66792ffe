import sql, { join, type Sql } from 'sql-template-tag';
import { type Collection, type ListRequest, listCondition, type Page } from '../../../kernel/db/list.ts';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import { compileFilters } from '../../../kernel/filters/sql.ts';
import type { CursorCodec } from '../../../kernel/http/cursor.ts';
import { keysetPredicate, orderBy, sortValues } from '../../../kernel/http/keyset.ts';
import { project } from '../../../kernel/http/projection.ts';
import type { CatalogueApi } from '../../catalogue/index.ts';
import { cheapestSql, planCheapest } from './cheapest.ts';
import { gpuRelations } from './collection.ts';
import type { SchedulingPolicy } from './schedulability.ts';
import { type GpuRow, type GpuView, gpuColumns, gpuTables, toGpu } from './view.ts';

/** One moment for the whole statement: what a filter let pass must not look otherwise in the answer. */
const moment = sql`(SELECT at FROM moment)`;

/** `gpu_state s` and no more of the other tables than filters and sort read. */
function narrowTables(collection: Collection, { filters, sort }: ListRequest): Sql {
  const read = new Set([
    ...compileFilters(collection.filters, filters, { moment }).flatMap(({ relations }) => [...relations]),
    ...sort.map(({ relation }) => relation),
  ]);
  const joins = Object.entries(gpuRelations).flatMap(([name, joined]) => (read.has(name) ? [joined] : []));
  return join([sql`inventory.gpu_state s`, ...joins], ' ');
}

/** The ids of a page, as cheaply as it can be had: `plain` takes the way that is always open. */
function pageSql(request: ListRequest, { collection, visible, find, plain }: Scope): Sql {
  const { filters, sort, after } = request;
  const condition = sql`${listCondition(collection, filters, { visible, moment })}
    AND ${after ? keysetPredicate(sort, after) : sql`TRUE`}`;
  const [first] = sort;
  const page = {
    tables: narrowTables(collection, request),
    condition,
    columns: sql`s.gpu_id, ${first?.expression ?? sql`NULL`} AS price, ${sortValues(sort)} AS sort_values`,
    order: orderBy(sort),
    limit: request.limit + 1,
  };
  const cheapest = plain ? null : planCheapest(filters, sort, find);
  if (cheapest) return cheapestSql(cheapest, page);
  return sql`SELECT s.gpu_id, ${sortValues(sort)} AS sort_values FROM ${page.tables}
    WHERE ${condition} ORDER BY ${page.order} LIMIT ${page.limit}`;
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
 * The page is chosen on the narrow table first, by key, and only its rows meet the wide ones: late row look-up.
 *
 * @see https://use-the-index-luke.com/no-offset
 */
export const searchSql = (request: ListRequest, scope: Scope): Sql => sql`/* inventory:search_gpus */
  WITH moment AS (SELECT clock_timestamp() AS at), page AS (${pageSql(request, scope)})
  SELECT ${gpuColumns(moment, scope.policy)}, page.sort_values
    FROM ${gpuTables} JOIN page ON page.gpu_id = s.gpu_id
   ORDER BY ${orderBy(request.sort)}`;

/** One page of GPUs as the API shows them. */
export async function searchGpus(
  db: Queryable,
  cursors: CursorCodec,
  request: ListRequest,
  scope: Scope,
): Promise<Page<Partial<GpuView>>> {
  const rows = await db.rows<GpuRow & { sortValues: (string | null)[] }>(searchSql(request, scope));
  const items = rows.slice(0, request.limit);
  const last = items.at(-1);
  return {
    items: items.map((row) => project(toGpu(row), request.fields)),
    nextCursor: rows.length > items.length && last ? cursors.encode(request.scope, last.sortValues) : null,
  };
}
