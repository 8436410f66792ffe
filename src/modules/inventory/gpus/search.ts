import sql, { join, type Sql } from 'sql-template-tag';
import { type Collection, type ListRequest, listCondition, type Page } from '../../../kernel/db/list.ts';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import type { CursorCodec } from '../../../kernel/http/cursor.ts';
import { compileFilters } from '../../../kernel/http/filter-sql.ts';
import { keysetPredicate, orderBy, sortValues } from '../../../kernel/http/keyset.ts';
import { project } from '../../../kernel/http/projection.ts';
import { gpuRelations } from './collection.ts';
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

/**
 * The page is chosen on the narrow table first, by key, and only its rows meet the wide ones: late row look-up.
 *
 * @see https://use-the-index-luke.com/no-offset
 */
export function searchSql(collection: Collection, request: ListRequest, visible: Sql): Sql {
  const { filters, sort, after, limit } = request;
  const order = orderBy(sort);
  return sql`/* inventory:search_gpus */
    WITH moment AS (SELECT clock_timestamp() AS at), page AS (
      SELECT s.gpu_id, ${sortValues(sort)} AS sort_values
        FROM ${narrowTables(collection, request)}
       WHERE ${listCondition(collection, filters, { visible, moment })}
         AND ${after ? keysetPredicate(sort, after) : sql`TRUE`}
       ORDER BY ${order}
       LIMIT ${limit + 1}
    )
    SELECT ${gpuColumns(moment)}, page.sort_values
      FROM ${gpuTables} JOIN page ON page.gpu_id = s.gpu_id
     ORDER BY ${order}`;
}

/** One page of GPUs as the API shows them. */
export async function searchGpus(
  db: Queryable,
  cursors: CursorCodec,
  collection: Collection,
  request: ListRequest,
  visible: Sql,
): Promise<Page<Partial<GpuView>>> {
  const rows = await db.rows<GpuRow & { sortValues: (string | null)[] }>(
    searchSql(collection, request, visible),
  );
  const items = rows.slice(0, request.limit);
  const last = items.at(-1);
  return {
    items: items.map((row) => project(toGpu(row), request.fields)),
    nextCursor: rows.length > items.length && last ? cursors.encode(request.scope, last.sortValues) : null,
  };
}
