import {
  type Comparison,
  type Field,
  type FieldMap,
  isOperator,
  type Operand,
  type Operator,
} from './field.ts';

/** One test of one property. `operand` is canonical: what the query string and JSON both come to. */
export interface Condition {
  field: string;
  operator: Comparison;
  operand: Operand;
}

export type FilterTest = Condition | { all: FilterTest[] } | { any: FilterTest[] } | { not: FilterTest };

/** What one key of the request asks: `name` and `value` as the caller wrote them, `test` as we understood it. */
export interface Predicate {
  name: string;
  value: unknown;
  test: FilterTest;
}

/** A parsed filter: every predicate must hold. In input order, because `explain` reports them in that order. */
export type FilterAst = readonly Predicate[];

/** What a parameter of the query string addresses: a property and what to do with it. */
export interface Target {
  field: string;
  operator: Comparison;
  kind: Field;
}

/** The closed set of filters of one collection, the single source of both forms, of the SQL and of the docs. */
export interface FilterDefinition {
  readonly fields: ReadonlyMap<string, Field | FieldMap>;
  readonly shorthands: ReadonlyMap<string, Target>;
}

export const isFieldMap = (entry: Field | FieldMap): entry is FieldMap => 'entry' in entry;

/** The property of that name, `labels.<key>` included; undefined where the collection has none. */
export function fieldOf(fields: FilterDefinition['fields'], name: string): Field | undefined {
  const entry = fields.get(name);
  if (entry !== undefined) return isFieldMap(entry) ? undefined : entry;
  const dot = name.indexOf('.');
  const family = fields.get(name.slice(0, Math.max(dot, 0)));
  return family && isFieldMap(family) ? family.entry(name.slice(dot + 1)) : undefined;
}

/** Reads `field` or `field.<op>`; undefined where there is no such property or it has no such operator. */
export function targetOf(fields: FilterDefinition['fields'], name: string): Target | undefined {
  const dot = name.lastIndexOf('.');
  const field = name.slice(0, Math.max(dot, 0));
  const operator = name.slice(dot + 1);
  const compared = isOperator(operator) ? fieldOf(fields, field) : undefined;
  if (compared && isOperator(operator)) {
    return compared.operators.includes(operator) ? { field, operator, kind: compared } : undefined;
  }
  const equal = fieldOf(fields, name);
  return equal && { field: name, operator: 'eq', kind: equal };
}

/**
 * Declares the filters of a collection. A shorthand is a second name for a field with an operator; it takes a plain
 * value. The names of everyday use are shorthands (`minMemoryMb`) or fields of their own (`model`, `q`).
 *
 * @example
 * const gpuFilters = defineFilters(
 *   { memoryTotalMb: integer({ sql: sql`s.memory_total_mb`, min: 0, max: 2 ** 30 }), region: text({ … }) },
 *   { minMemoryMb: 'memoryTotalMb.gte', regions: 'region.in' },
 * );
 * @throws {Error} where a shorthand names an operator that its field does not have: a mistake of ours, found at start.
 */
export function defineFilters<Name extends string>(
  fields: Record<Name, Field | FieldMap>,
  shorthands: Record<string, `${NoInfer<Name>}.${Operator}`> = {},
): FilterDefinition {
  const known = new Map<string, Field | FieldMap>(Object.entries(fields));
  const named = Object.entries(shorthands).map(([name, meaning]): [string, Target] => {
    const target = targetOf(known, meaning);
    if (target === undefined)
      throw new Error(`The shorthand ${name} means ${meaning}, which does not exist.`);
    return [name, target];
  });
  return { fields: known, shorthands: new Map(named) };
}
