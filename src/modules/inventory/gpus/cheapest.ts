import sql, { join, type Sql } from 'sql-template-tag';
import type { Scalar } from '../../../kernel/filters/field.ts';
import type { Condition, FilterAst, Predicate } from '../../../kernel/filters/filters.ts';
import type { Sort } from '../../../kernel/http/sort.ts';
import type { CatalogueApi } from '../../catalogue/index.ts';

/** More walks than this cost more than one along all the prices. */
const maxWalks = 64;

/** A column of which only some values are wanted: one walk for each. */
interface Lookup {
  column: Sql;
  wanted: readonly string[];
  /** The filter that says so; the walks do what it asks for. */
  filter: Predicate;
}

/** How a search for the cheapest free GPUs may go about it. */
export interface CheapestPlan {
  /** What the walks begin with; the indexes `gpu_state_cheapest_*_idx` have these columns before the price. */
  lookups: readonly Lookup[];
  /** Where the walks may end: a filter by price in the form that the indexes have. */
  end: { operator: Sql; price: Scalar } | null;
  /** The filters that are left to check on the way. */
  open: FilterAst;
}

/** The condition of a filter on one of these fields with one of these operators; null where it is another. */
const conditionOn = (
  { test }: Predicate,
  fields: readonly string[],
  operators: readonly string[],
): Condition | null =>
  'field' in test && fields.includes(test.field) && operators.includes(test.operator) ? test : null;

const is = (filter: Predicate, field: string, value: Scalar): boolean =>
  conditionOn(filter, [field], ['eq'])?.operand === value;

/** Whether a filter asks for GPUs that no allocation has: true of all whose `used_units` are 0 and whose gates are open. */
const asksForUnused = (filter: Predicate): boolean =>
  is(filter, 'isAllocated', false) || is(filter, 'allocationState', 'free');

/** The first filter that wants a column to be one of some values. */
function lookup(
  filters: FilterAst,
  fields: readonly string[],
  column: Sql,
  valuesOf: (text: string) => readonly string[] = (text) => [text],
): Lookup[] {
  for (const filter of filters) {
    const condition = conditionOn(filter, fields, ['eq', 'in']);
    if (!condition) continue;
    const wanted = [condition.operand].flat().flatMap((value) => valuesOf(String(value)));
    return [{ column, wanted: [...new Set(wanted)], filter }];
  }
  return [];
}

const walks = (lookups: readonly Lookup[]): number =>
  lookups.reduce((product, { wanted }) => product * wanted.length, 1);

/** What to begin the walks with, the most telling first; nothing where that would be too many walks. */
function lookupsOf(filters: FilterAst, find: CatalogueApi['find']): readonly Lookup[] {
  const models = [
    ...lookup(filters, ['modelId'], sql`s.model_id`),
    ...lookup(filters, ['model'], sql`s.model_id`, find),
  ].slice(0, 1);
  const regions = lookup(filters, ['region'], sql`s.region`);
  const vendors = lookup(filters, ['vendor'], sql`s.vendor`);
  const choices = models.length > 0 ? [[...models, ...regions], models] : [regions, vendors];
  return choices.find((lookups) => lookups.length > 0 && walks(lookups) <= maxWalks) ?? [];
}

const unpriced = '9223372036854775807';
const ends = { lt: sql`<`, lte: sql`<=` };

/** The first filter that sets a highest price. The highest of all would let unpriced GPUs pass in this form. */
function endOf(filters: FilterAst): (CheapestPlan['end'] & { filter: Predicate }) | null {
  for (const filter of filters) {
    const condition = conditionOn(filter, ['pricePerHourNanoUsd'], Object.keys(ends));
    if (!condition || String(condition.operand) === unpriced) continue;
    return {
      operator: ends[condition.operator as keyof typeof ends],
      price: String(condition.operand),
      filter,
    };
  }
  return null;
}

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
  const schedulable = filters.some((filter) => is(filter, 'schedulable', true));
  if (!byPrice || !schedulable || !filters.some(asksForUnused)) return null;
  const lookups = lookupsOf(filters, find);
  const end = endOf(filters);
  const done = [...lookups, ...(end ? [end] : [])].map(({ filter }) => filter);
  return { lookups, end, open: filters.filter((filter) => !asksForUnused(filter) && !done.includes(filter)) };
}

interface Page {
  /** `gpu_state s` and what the conditions read. */
  tables: Sql;
  /** All that the strict check asks for some filters, paging included. */
  conditionOf(filters: FilterAst): Sql;
  filters: FilterAst;
  /** The price as sort and indexes write it. */
  price: Sql;
  order: Sql;
  limit: Sql;
}

/**
 * The ids of the same page in another way: one walk along an index by price for each wanted value (a loose index scan, as
 * a range over several of them has no order to follow), which each stop after a page, plus the few GPUs on hold that
 * may be free again. A walk reads its index alone as long as the index has what the filters ask for.
 *
 * @see https://wiki.postgresql.org/wiki/Loose_indexscan
 */
export function cheapestSql({ lookups, end, open }: CheapestPlan, page: Page): Sql {
  const { tables, conditionOf, filters, price, order, limit } = page;
  const columns = sql`s.gpu_id, ${price} AS price`;
  const here = [
    ...lookups.map(({ column }, i) => sql`${column} = ${alias(i)}`),
    ...(end ? [sql`${price} ${end.operator} ${end.price}::bigint`] : []),
    sql`s.used_units = 0`,
    conditionOf(open),
  ];
  const free = sql`(SELECT ${columns} FROM ${tables} WHERE ${join(here, ' AND ')} ORDER BY ${order} LIMIT ${limit})`;
  const lists = lookups.map(({ wanted: values }, i) => sql`unnest(${values}::text[]) AS ${alias(i)}`);
  const walks =
    lists.length === 0
      ? free
      : sql`(SELECT walk.* FROM ${join(lists, ' CROSS JOIN ')} CROSS JOIN LATERAL ${free} walk)`;
  const held = sql`(SELECT ${columns} FROM ${tables}
    WHERE s.used_units > 0 AND s.active_units = 0 AND ${conditionOf(filters)} ORDER BY ${order} LIMIT ${limit})`;
  return sql`SELECT gpu_id FROM (${walks} UNION ALL ${held}) candidates ORDER BY price, gpu_id LIMIT ${limit}`;
}

const aliases = [sql`wanted_0`, sql`wanted_1`];
const alias = (place: number): Sql => aliases[place] as Sql;
