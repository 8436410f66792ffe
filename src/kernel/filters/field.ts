import sql, { raw, type Sql } from 'sql-template-tag';

export const operators = ['ne', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'exists'] as const;
export type Operator = (typeof operators)[number];
export const isOperator = (word: string): word is Operator => operators.some((operator) => operator === word);
export type Comparison = 'eq' | Operator;
export type Scalar = string | number | boolean;
/** A list for `in` and `nin`, a boolean for `exists`, else one value of the field's kind. */
export type Operand = Scalar | readonly Scalar[];

/** What a collection says of one filterable property. */
export interface FieldOptions {
  /** A scalar expression; one that depends on the time takes the moment as SQL instead of reading a clock. */
  sql: Sql | ((moment: Sql) => Sql);
  /** Relation that the expression reads, so that a query joins only what its filters need. */
  relation?: string;
  description?: string;
}

/** JSON schema of one value; the further keywords document what `parse` decides. */
export type ValueSchema = { type: 'string' | 'number' | 'integer' | 'boolean' } & Record<string, unknown>;

/** How the values of a field are read, in the query string and in JSON alike, and documented. */
export interface ValueKind {
  /** What a value must be, as the end of the sentence "must be …". */
  readonly expects: string;
  readonly schema: ValueSchema;
  /** The value in its canonical form, or undefined where the text is not one. */
  parse(text: string): Scalar | undefined;
}

/** What an object itself has of a property, for those who want to know how far it is from a condition; NULL where missing. */
export interface Reading {
  /** As a caller could write it. */
  value(moment: Sql): Sql;
  /** What it is ordered by. */
  order(moment: Sql): Sql;
}

/** One filterable property. */
export interface Field extends ValueKind {
  readonly operators: readonly Operator[];
  readonly description: string | undefined;
  readonly relation: string | undefined;
  /** Of properties that have values which can be listed or ordered. */
  readonly reading?: Reading;
  /** Boolean SQL: NULL or false wherever the property is missing, `exists: false` apart. */
  test(operator: Comparison, operand: Operand, moment: Sql): Sql;
}

/** A family of properties under keys of the caller's own, such as `labels.<key>`. */
export interface FieldMap {
  readonly description: string | undefined;
  /** Of every value. */
  readonly schema: ValueSchema;
  /** Regular expression of the keys. */
  readonly keyPattern: string;
  readonly operators: readonly Operator[];
  /** The property under one key; undefined where the key is not well formed. */
  entry(key: string): Field | undefined;
}

/** How values travel as parameters. Each is cast, so that a prepared statement never has to guess its type. */
export interface Encoding {
  one(value: Operand): Sql;
  /** What stands between the brackets of `= ANY()` and `<> ALL()`. */
  many(values: readonly Scalar[]): Sql;
}

export const typed = (type: string): Encoding => ({
  one: (value) => sql`${value}::${raw(type)}`,
  many: (values) => sql`${values}::${raw(type)}[]`,
});

/** Values that SQL has to bring into the form that the field's expression has, such as lower case. */
export const derived = (form: (text: Sql) => Sql): Encoding => ({
  one: (value) => form(sql`${value}::text`),
  many: (values) => sql`SELECT ${form(sql`item`)} FROM unnest(${values}::text[]) AS item`,
});

const signs = { eq: sql`=`, ne: sql`<>`, gt: sql`>`, gte: sql`>=`, lt: sql`<`, lte: sql`<=` };

/**
 * A comparison that is never true of NULL. `ne` and `nin` are plain `<>` and `<> ALL` for that very reason:
 * what is unknown neither equals nor differs.
 */
export function compare(left: Sql, operator: Comparison, operand: Operand, encoding: Encoding): Sql {
  switch (operator) {
    case 'exists':
      return operand === true ? sql`(${left}) IS NOT NULL` : sql`(${left}) IS NULL`;
    case 'in':
      return sql`(${left}) = ANY(${encoding.many([operand].flat())})`;
    case 'nin':
      return sql`(${left}) <> ALL(${encoding.many([operand].flat())})`;
    default:
      return sql`(${left}) ${signs[operator]} ${encoding.one(operand)}`;
  }
}

export type Descriptive = Omit<FieldOptions, 'sql'>;

export const field = (
  kind: ValueKind,
  allowed: readonly Operator[],
  options: Descriptive,
  test: Field['test'],
): Field => ({
  ...kind,
  operators: allowed,
  description: options.description,
  relation: options.relation,
  test,
});

export const expression = (left: FieldOptions['sql']): ((moment: Sql) => Sql) =>
  typeof left === 'function' ? left : () => left;

/** A field whose SQL is an expression compared with a parameter. */
export function scalar(
  kind: ValueKind,
  allowed: readonly Operator[],
  encoding: Encoding,
  options: FieldOptions,
): Field {
  const left = expression(options.sql);
  const test: Field['test'] = (operator, operand, moment) =>
    compare(left(moment), operator, operand, encoding);
  return { ...field(kind, allowed, options, test), reading: { value: left, order: left } };
}
