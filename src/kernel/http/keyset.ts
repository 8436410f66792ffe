import sql, { join, raw, type Sql } from 'sql-template-tag';
import type { Sort, SortKey } from './sort.ts';

/** Sort values of one row as PostgreSQL prints them, so that nothing of their precision is lost. */
export type SortValues = readonly (string | null)[];

/** The list behind ORDER BY. NULLs come last in both directions. */
export const orderBy = (sort: Sort): Sql =>
  join(
    sort.map(({ expression, direction, nullable }) =>
      nullable ? sql`${expression} ${raw(direction)} NULLS LAST` : sql`${expression} ${raw(direction)}`,
    ),
    ', ',
  );

/**
 * Goes into the select list; of the last row of a page it is what the cursor carries. Each value is brought to its
 * declared type first, the one that `keysetPredicate` reads it back as: a `real` 0.9 printed as it is would come back
 * as another number, and the walk would never end. JSON in a text: of a whole page only one is ever read.
 */
export const sortValues = (sort: Sort): Sql =>
  sql`to_json(ARRAY[${join(sort.map(({ expression, type }) => sql`(${expression})::${raw(type)}::text`))}])::text`;

export const readSortValues = (text: string): SortValues => JSON.parse(text);

const parameter = ({ type }: SortKey, value: string): Sql => sql`${value}::${raw(type)}`;

/** Rows that this key alone puts behind the value. */
function behind(key: SortKey, value: string | null): Sql {
  if (value === null) return sql`FALSE`;
  const beyond = sql`${key.expression} ${key.direction === 'asc' ? sql`>` : sql`<`} ${parameter(key, value)}`;
  return key.nullable ? sql`(${beyond} OR ${key.expression} IS NULL)` : beyond;
}

const level = (key: SortKey, value: string | null): Sql =>
  value === null ? sql`${key.expression} IS NULL` : sql`${key.expression} = ${parameter(key, value)}`;

/** Behind by the first key, or level on it and behind by the rest. */
function expanded([key, ...rest]: Sort, [value = null, ...others]: SortValues): Sql {
  if (key === undefined) return sql`FALSE`;
  if (rest.length === 0) return behind(key, value);
  return sql`(${behind(key, value)} OR (${level(key, value)} AND ${expanded(rest, others)}))`;
}

const isPresent = (value: string | null): value is string => value !== null;

/**
 * Rows that come after the one with these sort values: a row comparison, which an index follows, where all keys go
 * one way and none may be NULL, else the same thing spelled out.
 *
 * @example keysetPredicate(parseSort(gpuSort, 'name'), ['A100', id]) // (g.name, g.id) > ($1::text, $2::uuid)
 * @see https://use-the-index-luke.com/no-offset
 */
export function keysetPredicate(sort: Sort, values: SortValues): Sql {
  const present = values.filter(isPresent);
  const [first] = sort;
  const oneWay = sort.every((key) => !key.nullable && key.direction === first?.direction);
  if (!oneWay || present.length < sort.length) return expanded(sort, values);
  const row = join(sort.map((key) => key.expression));
  const last = join(sort.map((key, index) => parameter(key, present[index] ?? '')));
  return sql`(${row}) ${first?.direction === 'desc' ? sql`<` : sql`>`} (${last})`;
}
