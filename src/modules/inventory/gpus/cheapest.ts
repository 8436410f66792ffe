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

/** How a search for free GPUs may go about it. */
export interface Walk {
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

/** How many walks these make. */
const walksOf = (lookups: readonly Lookup[]): number =>
  lookups.reduce((product, { wanted }) => product * wanted.length, 1);

const modelColumn = sql`s.model_id`;

/** What to begin the walks with, the most telling first; nothing where that would be too many walks. */
function lookupsOf(filters: FilterAst, find: CatalogueApi['find']): readonly Lookup[] {
  const models = [
    ...lookup(filters, ['modelId'], modelColumn),
    ...lookup(filters, ['model'], modelColumn, find),
  ].slice(0, 1);
  const regions = lookup(filters, ['region'], sql`s.region`);
  const vendors = lookup(filters, ['vendor'], sql`s.vendor`);
  const choices = models.length > 0 ? [[...models, ...regions], models] : [regions, vendors];
  return choices.find((lookups) => lookups.length > 0 && walksOf(lookups) <= maxWalks) ?? [];
}

const unpriced = '9223372036854775807';
const ends = { lt: sql`<`, lte: sql`<=` };

/** The first filter that sets a highest price. The highest of all would let unpriced GPUs pass in this form. */
function endOf(filters: FilterAst): (Walk['end'] & { filter: Predicate }) | null {
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

/** Which walks along the indexes of free, schedulable GPUs by price find all that a filter lets pass. */
export function walkOf(filters: FilterAst, find: CatalogueApi['find']): Walk {
  const lookups = lookupsOf(filters, find);
  const end = endOf(filters);
  const done = [...lookups, ...(end ? [end] : [])].map(({ filter }) => filter);
  return { lookups, end, open: filters.filter((filter) => !done.includes(filter)) };
}

/**
 * Whether a search can use these walks: it asks for free, schedulable GPUs, cheapest first. Null where it cannot; the
 * plain search is always right.
 */
export function planCheapest(filters: FilterAst, sort: Sort, find: CatalogueApi['find']): Walk | null {
  const byPrice = sort.length === 2 && sort[0]?.name === 'pricePerHourNanoUsd' && sort[0].direction === 'asc';
  const schedulable = filters.some((filter) => is(filter, 'schedulable', true));
  if (!byPrice || !schedulable || !filters.some(asksForUnused)) return null;
  const walk = walkOf(filters, find);
  return { ...walk, open: walk.open.filter((filter) => !asksForUnused(filter)) };
}

/** The price as the indexes have it: unpriced GPUs come last. */
export const ascendingPrice = sql`coalesce(s.price_per_hour_nano_usd, 9223372036854775807)`;

/** The models that there are free GPUs of, one look-up each: a loose index scan. */
const freeModels = sql`(WITH RECURSIVE found AS (
  (SELECT s.model_id FROM inventory.gpu_state s WHERE s.blocks = 0 AND s.used_units = 0 AND s.deleted_at IS NULL
    ORDER BY s.model_id LIMIT 1)
  UNION ALL
  SELECT (SELECT s.model_id FROM inventory.gpu_state s
           WHERE s.blocks = 0 AND s.used_units = 0 AND s.deleted_at IS NULL AND s.model_id > f.model_id
           ORDER BY s.model_id LIMIT 1)
    FROM found f WHERE f.model_id IS NOT NULL)
  SELECT model_id FROM found WHERE model_id IS NOT NULL)`;

/** What a walk begins with: one value, or each of a list. */
interface Start {
  column: Sql;
  value: Sql;
  list: Sql | null;
}

function startsOf({ lookups }: Walk, eachModel: boolean): Start[] {
  const start = (column: Sql, list: Sql, at: number): Start => ({ column, value: alias(at), list });
  const named = lookups.map(
    ({ column, wanted: [first, ...others] }, at): Start =>
      first !== undefined && others.length === 0
        ? { column, value: sql`${first}::text`, list: null }
        : start(column, sql`unnest(${lookups[at]?.wanted}::text[])`, at),
  );
  const tellsModel = lookups.some(({ column }) => column.sql === modelColumn.sql);
  return eachModel && !tellsModel ? [...named, start(modelColumn, freeModels, named.length)] : named;
}

/** Whether a walk is a single one, in the order of the price. */
export const isOneWalk = ({ lookups }: Walk): boolean => walksOf(lookups) === 1;

/**
 * What `select` finds under a condition over `gpu_state s`, once for each value that the walks begin with, as a range over
 * several of them has no order to follow; with `eachModel` once for each model at least.
 *
 * @see https://wiki.postgresql.org/wiki/Loose_indexscan
 */
export function alongIndexes(walk: Walk, select: (here: Sql) => Sql, eachModel = false): Sql {
  const starts = startsOf(walk, eachModel);
  const { end } = walk;
  const here = [
    ...starts.map(({ column, value }) => sql`${column} = ${value}`),
    ...(end ? [sql`${ascendingPrice} ${end.operator} ${end.price}::bigint`] : []),
  ];
  const one = sql`(${select(here.length === 0 ? sql`TRUE` : join(here, ' AND '))})`;
  const lists = starts.flatMap(({ value, list }) => (list ? [sql`${list} AS ${value}(${value})`] : []));
  if (lists.length === 0) return one;
  return sql`(SELECT walk.* FROM ${join(lists, ' CROSS JOIN ')} CROSS JOIN LATERAL ${one} walk)`;
}

interface Page {
  /** `gpu_state s` and what the conditions read. */
  tables: Sql;
  /** All that the strict check asks for some filters, paging included. */
  conditionOf(filters: FilterAst): Sql;
  filters: FilterAst;
  order: Sql;
  limit: Sql;
}

/**
 * The ids of the same page in another way: walks that each stop after a page, plus the few GPUs on hold that may be free
 * again. A walk reads its index alone as long as the index has what the filters ask for.
 */
export function cheapestSql(walk: Walk, { tables, conditionOf, filters, order, limit }: Page): Sql {
  const pageOf = (condition: Sql): Sql => sql`SELECT s.gpu_id, ${ascendingPrice} AS price FROM ${tables}
    WHERE ${condition} ORDER BY ${order} LIMIT ${limit}`;
  const walks = alongIndexes(walk, (here) =>
    pageOf(sql`${here} AND s.used_units = 0 AND ${conditionOf(walk.open)}`),
  );
  const held = pageOf(sql`s.used_units > 0 AND s.active_units = 0 AND ${conditionOf(filters)}`);
  return sql`SELECT gpu_id FROM (${walks} UNION ALL (${held})) candidates ORDER BY price, gpu_id LIMIT ${limit}`;
}

const aliases = [sql`wanted_0`, sql`wanted_1`, sql`wanted_2`];
const alias = (place: number): Sql => aliases[place] as Sql;
