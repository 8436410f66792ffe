import sql, { type Sql } from 'sql-template-tag';
import {
  compare,
  type Descriptive,
  derived,
  expression,
  type Field,
  type FieldMap,
  type FieldOptions,
  field,
  type Operator,
  scalar,
  typed,
  type ValueKind,
} from './field.ts';

const equality: readonly Operator[] = ['ne', 'in', 'nin', 'exists'];

const booleans = new Map([
  ['true', true],
  ['false', false],
]);

/**
 * A yes or no. The value is written into the SQL instead of a parameter, so that a partial index whose predicate
 * is the field's expression can serve it.
 *
 * @example supportsCuda: boolean({ sql: sql`s.supports_cuda` })
 */
export const boolean = (options: FieldOptions): Field => {
  const kind: ValueKind = {
    expects: 'true or false',
    schema: { type: 'boolean' },
    parse: (text) => booleans.get(text),
  };
  const left = expression(options.sql);
  return field(kind, ['ne', 'exists'], options, (operator, operand, moment) => {
    if (operator === 'exists') return compare(left(moment), operator, operand, typed('boolean'));
    return operand === (operator === 'eq') ? sql`(${left(moment)})` : sql`NOT (${left(moment)})`;
  });
};

/** Text that PostgreSQL can store: no NUL, no half of a surrogate pair. */
const storable = (text: string): boolean => !text.includes('\0') && !/\p{Cs}/u.test(text);

const textKind = (maxLength: number): ValueKind => ({
  expects: `text of 1 to ${maxLength} characters`,
  schema: { type: 'string', minLength: 1, maxLength },
  parse: (text) => {
    const { length } = [...text];
    return length > 0 && length <= maxLength && storable(text) ? text : undefined;
  },
});

const lower = (text: Sql): Sql => sql`lower(${text})`;

/**
 * Free text, compared as a whole; `ignoreCase` compares `lower()` of both sides.
 *
 * @example region: text({ sql: sql`s.region`, maxLength: 64 })
 */
export const text = (options: FieldOptions & { maxLength?: number; ignoreCase?: boolean }): Field => {
  const kind = textKind(options.maxLength ?? 256);
  if (!options.ignoreCase) return scalar(kind, equality, typed('text'), options);
  const left = expression(options.sql);
  return scalar(kind, equality, derived(lower), { ...options, sql: (moment) => lower(left(moment)) });
};

/**
 * One of a closed set of words, kept as text.
 *
 * @example vendor: enumeration(['nvidia', 'amd', 'intel', 'other'], { sql: sql`s.vendor` })
 */
export const enumeration = (words: readonly string[], options: FieldOptions): Field =>
  scalar(
    {
      expects: `one of ${words.join(', ')}`,
      schema: { type: 'string', enum: [...words] },
      parse: (word) => (words.includes(word) ? word : undefined),
    },
    equality,
    typed('text'),
    options,
  );

const uuidText = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * An id of ours in the text form of RFC 9562, in either case.
 *
 * @example nodeId: uuid({ sql: sql`s.node_id` })
 */
export const uuid = (options: FieldOptions): Field =>
  scalar(
    {
      expects: 'a UUID',
      schema: { type: 'string', format: 'uuid', maxLength: 36 },
      parse: (id) => (uuidText.test(id) ? id.toLowerCase() : undefined),
    },
    equality,
    typed('uuid'),
    options,
  );

/**
 * A property that one text finds in several ways. `match` gets a `text[]` and yields whether any of it fits; NULL
 * counts as missing.
 *
 * @example model: matching({ match: (names) => sql`s.model_id = ANY(${names}) OR …` })
 */
export const matching = (
  options: Descriptive & { match: (names: Sql, moment: Sql) => Sql; maxLength?: number },
): Field =>
  field(textKind(options.maxLength ?? 256), ['ne', 'in', 'nin'], options, (operator, operand, moment) => {
    const fits = options.match(typed('text').many([operand].flat()), moment);
    return operator === 'ne' || operator === 'nin' ? sql`NOT (${fits})` : sql`(${fits})`;
  });

/**
 * Free text that is searched for; it has no operators.
 *
 * @example q: search({ match: (words) => sql`g.name ILIKE '%' || ${words} || '%'` })
 */
export const search = (
  options: Descriptive & { match: (words: Sql, moment: Sql) => Sql; maxLength?: number },
): Field =>
  field(textKind(options.maxLength ?? 200), [], options, (_operator, operand, moment) => {
    return sql`(${options.match(typed('text').one(operand), moment)})`;
  });

const labelKeyPattern = '^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$';

/**
 * Labels in a `jsonb` object of strings: `labels.<key>` and `labels.<key>.<op>`. Where a key itself ends in the name
 * of an operator, the query string has to write the operator as well. Equality asks by containment: a GIN index
 * answers it.
 *
 * @example labels: labels({ sql: sql`g.labels`, relation: 'gpu' })
 */
export const labels = (options: Descriptive & { sql: Sql }): FieldMap => {
  const kind = textKind(256);
  return {
    description: options.description,
    schema: kind.schema,
    keyPattern: labelKeyPattern,
    operators: equality,
    entry: (key) => {
      if (!new RegExp(labelKeyPattern).test(key)) return undefined;
      const value = sql`${options.sql} ->> ${key}::text`;
      return field(kind, equality, options, (operator, operand) =>
        operator === 'eq'
          ? sql`${options.sql} @> jsonb_build_object(${key}::text, ${operand}::text)`
          : compare(value, operator, operand, typed('text')),
      );
    },
  };
};
