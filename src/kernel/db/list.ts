import sql, { join, type Sql } from 'sql-template-tag';
import { Type } from 'typebox';
import { invalid } from '../errors.ts';
import type { FilterAst, FilterDefinition, FilterTest } from '../filters/filters.ts';
import { parseFilterQuery } from '../filters/query.ts';
import { filterQuerySchema } from '../filters/schema.ts';
import { compileFilters, whereAll } from '../filters/sql.ts';
import type { CursorCodec, CursorScope } from '../http/cursor.ts';
import { keysetPredicate, orderBy, readSortValues, type SortValues, sortValues } from '../http/keyset.ts';
import { parseFields, project } from '../http/projection.ts';
import { parseSort, type Sort, type SortDefinition, sortSchema } from '../http/sort.ts';
import type { Queryable } from './transaction.ts';

/** What can be asked of one collection: the single source of its parameters, its documentation and its SQL. */
export interface Collection {
  name: string;
  filters: FilterDefinition;
  sort: SortDefinition;
  /** Top-level fields of an item, for `fields=`. */
  fields: readonly string[];
  /** Conditions that hold unless the caller filters by that field: retired objects, say. */
  unlessFiltered?: Readonly<Record<string, Sql>>;
}

export interface ListRequest {
  filters: FilterAst;
  sort: Sort;
  limit: number;
  after: SortValues | null;
  fields: ReadonlySet<string> | null;
  scope: CursorScope;
}

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

const pageParameters = {
  limit: Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'Items of a page.' }),
  cursor: Type.Optional(
    Type.String({ maxLength: 2000, description: '`nextCursor` of the page before, with the same filters.' }),
  ),
  fields: Type.Optional(
    Type.String({ maxLength: 1000, description: 'Comma-separated top-level fields; all by default.' }),
  ),
};

const pageNames = ['limit', 'cursor', 'sort', 'fields'];

/** The query string of a list: its filters and the paging parameters. Open, since `parseList` refuses what is unknown. */
export const listQuerySchema = ({ filters, sort }: Collection) =>
  Type.Object(
    { ...filterQuerySchema(filters).properties, ...pageParameters, sort: sortSchema(sort) },
    { additionalProperties: true },
  );

/**
 * Reads a validated query string. `owner` is whose view it is: a cursor works in that view only.
 *
 * @throws 400 naming the parameter that is unknown, repeated or bad; `request.invalid_cursor`.
 */
export function parseList(
  collection: Collection,
  cursors: CursorCodec,
  query: Record<string, unknown>,
  owner: string | null,
  reserved: readonly string[] = [],
): ListRequest {
  const filters = parseFilterQuery(collection.filters, query, [...pageNames, ...reserved]);
  const sort = parseSort(collection.sort, query.sort as string | undefined);
  const scope = { collection: collection.name, filters, sort, owner };
  const limit = Number(query.limit ?? 50);
  if (!Number.isInteger(limit) || limit < 1 || limit > 500) throw invalid('limit', 'must be 1 to 500');
  return {
    filters,
    sort,
    limit,
    after: typeof query.cursor === 'string' ? cursors.decode(scope, query.cursor) : null,
    fields: parseFields(query.fields as string | undefined, collection.fields),
    scope,
  };
}

interface Source<Row, Item> extends Scope {
  columns: Sql;
  from: Sql;
  /** From a row to the wire shape, where they differ. */
  map?(row: Row): Item;
}

interface Scope {
  /** What the caller may see. */
  visible: Sql;
  moment?: Sql;
}

/** The properties that a filter speaks of. */
function fieldsOf(test: FilterTest): string[] {
  if ('all' in test) return test.all.flatMap(fieldsOf);
  if ('any' in test) return test.any.flatMap(fieldsOf);
  return 'not' in test ? fieldsOf(test.not) : [test.field];
}

/** The condition of a list without its paging: visibility, the caller's filters and the collection's defaults. */
export function listCondition(collection: Collection, filters: FilterAst, { visible, moment }: Scope): Sql {
  const given = new Set(filters.flatMap(({ test }) => fieldsOf(test)));
  const defaults = Object.entries(collection.unlessFiltered ?? {})
    .filter(([field]) => !given.has(field))
    .map(([, condition]) => condition);
  const asked = whereAll(
    compileFilters(collection.filters, filters, { moment: moment ?? sql`clock_timestamp()` }),
  );
  return join([visible, ...defaults, asked], ' AND ');
}

/** One page by key: `(sort keys, id) > (last row's)`, as cheap at any depth as at the first page. */
export async function listPage<Row extends object, Item extends object = Row>(
  db: Queryable,
  cursors: CursorCodec,
  collection: Collection,
  request: ListRequest,
  source: Source<Row, Item>,
): Promise<Page<Partial<Item>>> {
  const map = source.map ?? ((row: Row) => row as unknown as Item);
  const after = request.after ? keysetPredicate(request.sort, request.after) : sql`TRUE`;
  const rows = await db.rows<Row & { sortValues: string }>(sql`
    SELECT ${source.columns}, ${sortValues(request.sort)} AS sort_values
      FROM ${source.from}
     WHERE ${listCondition(collection, request.filters, source)} AND ${after}
     ORDER BY ${orderBy(request.sort)}
     LIMIT ${request.limit + 1}`);
  const more = rows.length > request.limit;
  const items = more ? rows.slice(0, request.limit) : rows;
  const last = items.at(-1)?.sortValues;
  return {
    items: items.map(({ sortValues: _, ...row }) => project(map(row as unknown as Row), request.fields)),
    nextCursor: more && last ? cursors.encode(request.scope, readSortValues(last)) : null,
  };
}
