import { Type } from 'typebox';
import { invalid } from '../errors.ts';
import type { CursorCodec, CursorScope } from './cursor.ts';
import { parseFilterQuery } from './filter-query.ts';
import { filterQuerySchema } from './filter-schema.ts';
import type { FilterDefinition } from './filters.ts';
import type { SortValues } from './keyset.ts';
import { parseFields, parseInclude } from './projection.ts';
import { parseSort, type SortDefinition, sortSchema } from './sort.ts';

const defaultLimit = 50;
const largestLimit = 500;

/** How one collection is listed: the single source of its parameters, its documentation and its SQL. */
export interface Collection<Include extends string = never> {
  /** Binds cursors to this collection. */
  name: string;
  filters: FilterDefinition;
  sort: SortDefinition;
  /** Top-level names that `fields=` may keep. */
  fields: readonly string[];
  /** Extra parts that `include=` may add. */
  includes?: readonly Include[];
  /** Parameters that the route reads by itself, such as `asOf`. */
  parameters?: readonly string[];
}

/** What a caller asks of a list; it goes to the repository as it is. */
export interface ListRequest<Include extends string = never> extends CursorScope {
  limit: number;
  /** Sort values of the last row that the caller has; null on the first page. */
  after: SortValues | null;
  fields: ReadonlySet<string> | null;
  include: ReadonlySet<Include>;
}

const names = (known: readonly string[], description: string) =>
  Type.Optional(
    Type.String({
      pattern: `^(${known.join('|')})(,(${known.join('|')}))*$`,
      maxLength: 2000,
      description: `${description} Comma-separated: ${known.join(', ')}.`,
    }),
  );

/** The parameters of a list for `schema.querystring`; filters come last. */
export const listQuerySchema = <Include extends string>(collection: Collection<Include>) =>
  Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: largestLimit, default: defaultLimit })),
    cursor: Type.Optional(Type.String({ maxLength: 4096, description: '`nextCursor` of the page before.' })),
    sort: sortSchema(collection.sort),
    fields: names(collection.fields, 'Keeps only these; `id` always stays.'),
    ...(collection.includes?.length && { include: names(collection.includes, 'Adds these.') }),
    ...filterQuerySchema(collection.filters).properties,
  });

/**
 * Reads `limit`: 1–500, default 50. Takes text or what a schema has coerced.
 *
 * @throws 400 `request.invalid` naming `limit`.
 */
export function parseLimit(raw: unknown): number {
  if (raw === undefined) return defaultLimit;
  const limit = /^[1-9]\d{0,2}$/.test(String(raw)) ? Number(raw) : Number.NaN;
  if (!(limit <= largestLimit)) throw invalid('limit', `must be an integer from 1 to ${largestLimit}`);
  return limit;
}

const textOf = (raw: unknown): string | undefined => (raw === undefined ? undefined : String(raw));

/**
 * Reads a list's whole query string. `owner` names whose view it is, so that a cursor is of no use to anybody else.
 *
 * @example parseList(gpus, { vendor: 'nvidia', sort: '-name', limit: '10' }, cursors, principal.tenantId)
 * @throws 400 `request.invalid` naming the parameter, 400 `request.invalid_cursor`.
 */
export function parseList<Include extends string>(
  collection: Collection<Include>,
  query: Record<string, unknown>,
  cursors: CursorCodec,
  owner: string | null = null,
): ListRequest<Include> {
  const { limit, cursor, sort, fields, include } = query;
  const reserved = ['limit', 'cursor', 'sort', 'fields', 'include', ...(collection.parameters ?? [])];
  const scope: CursorScope = {
    collection: collection.name,
    filters: parseFilterQuery(collection.filters, query, reserved),
    sort: parseSort(collection.sort, textOf(sort)),
    owner,
  };
  return {
    ...scope,
    limit: parseLimit(limit),
    after: cursor === undefined ? null : cursors.decode(scope, String(cursor)),
    fields: parseFields(textOf(fields), collection.fields),
    include: parseInclude(textOf(include), collection.includes ?? []),
  };
}

/**
 * Cuts a page from the rows of a query that asked for `limit + 1` of them, each with its `sortValues`: the extra row
 * only says that there is more.
 */
export function toPage<Row extends { sortValues: SortValues }>(
  request: ListRequest<string>,
  rows: readonly Row[],
  cursors: CursorCodec,
): { rows: readonly Row[]; nextCursor: string | null } {
  const page = rows.slice(0, request.limit);
  const last = page.at(-1);
  const more = rows.length > request.limit && last !== undefined;
  return { rows: page, nextCursor: more ? cursors.encode(request, last.sortValues) : null };
}

/**
 * The `Link` header of a page (RFC 8288): the same request with the next cursor.
 *
 * @example nextLink('/v1/gpus?limit=2', 'abc') // </v1/gpus?limit=2&cursor=abc>; rel="next"
 */
export function nextLink(url: string, cursor: string): string {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  searchParams.set('cursor', cursor);
  return `<${pathname}?${searchParams}>; rel="next"`;
}
