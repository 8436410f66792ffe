import sql, { type Sql } from 'sql-template-tag';
import { parseTimestamp } from '../http/timestamp.ts';
import {
  type Encoding,
  expression,
  type Field,
  type FieldOptions,
  operators,
  scalar,
  typed,
  type ValueKind,
} from './field.ts';

interface Range {
  min: number;
  max: number;
}

const within = ({ min, max }: Range, value: number): number | undefined =>
  value >= min && value <= max ? value : undefined;

const integerText = /^-?(0|[1-9]\d{0,15})$/;

/**
 * A whole number; the column may be of any integer type.
 *
 * @example memoryTotalMb: integer({ sql: sql`s.memory_total_mb`, relation: 'state', min: 0, max: 1_048_576 })
 */
export const integer = (options: FieldOptions & Range): Field =>
  scalar(
    {
      expects: `an integer from ${options.min} to ${options.max}`,
      schema: { type: 'integer', minimum: options.min, maximum: options.max },
      parse: (text) => (integerText.test(text) ? within(options, Number(text)) : undefined),
    },
    operators,
    typed('bigint'),
    options,
  );

const numberText = /^-?\d{1,32}(\.\d{1,32})?([eE][+-]?\d{1,3})?$/;
const double = typed('double precision');
/** A `real` column holds the float32 nearest to what was written: so must the parameter, or 0.9 never equals 0.9. */
const single: Encoding = {
  one: (value) => double.one(Math.fround(Number(value))),
  many: (values) => double.many(values.map((value) => Math.fround(Number(value)))),
};

/**
 * A number that may have a fraction. `column` says what the expression yields; default `double precision`.
 *
 * @example reputation: number({ sql: sql`s.reputation`, column: 'real', min: 0, max: 1 })
 */
export const number = (options: FieldOptions & Range & { column?: 'real' | 'double precision' }): Field =>
  scalar(
    {
      expects: `a number from ${options.min} to ${options.max}`,
      schema: { type: 'number', minimum: options.min, maximum: options.max },
      parse: (text) => (numberText.test(text) ? within(options, Number(text)) : undefined),
    },
    operators,
    options.column === 'real' ? single : double,
    options,
  );

const largestBigint = 2n ** 63n - 1n;
const decimalPattern = '^(0|[1-9][0-9]{0,18})$';

/**
 * A whole number beyond 2⁵³ as a decimal string, such as nano-USD, over a `bigint` expression.
 *
 * @example pricePerHourNanoUsd: decimal({ sql: sql`s.price_per_hour_nano_usd` })
 */
export const decimal = (options: FieldOptions): Field =>
  scalar(
    {
      expects: 'an integer from 0 to 9223372036854775807 as a decimal string',
      schema: { type: 'string', pattern: decimalPattern, maxLength: 19 },
      parse: (text) =>
        new RegExp(decimalPattern).test(text) && BigInt(text) <= largestBigint ? text : undefined,
    },
    operators,
    typed('bigint'),
    options,
  );

/**
 * A moment in RFC 3339 with any offset, over a `timestamptz` expression.
 *
 * @example createdAt: timestamp({ sql: sql`g.created_at` })
 */
export const timestamp = (options: FieldOptions): Field =>
  scalar(
    {
      expects: 'an RFC 3339 date and time',
      schema: { type: 'string', format: 'date-time', maxLength: 40 },
      parse: parseTimestamp,
    },
    operators,
    typed('timestamptz'),
    options,
  );

const versionPattern = '^[0-9]{1,9}([.][0-9]{1,9}){0,7}$';

/** What `inventory.version_rank` makes of a version: '12.4.0' → '21214'; ranks as text stand as versions part by part. */
const versionRank = (version: string): string =>
  version
    .replace(/([.]0+)+$/, '')
    .split('.')
    .map((part) => String(Number(part)))
    .map((part) => `${part.length}${part}`)
    .join('');

const ranks: Encoding = {
  one: (version) => typed('text').one(versionRank(String(version))),
  many: (versions) => typed('text').many(versions.map((version) => versionRank(String(version)))),
};

/**
 * A dotted version over a text expression, compared part by part as numbers: 535.86.05 < 535.129.3, and 12 = 12.0. What
 * is not dotted numbers counts as missing. `rank` names a column that holds the rank already.
 *
 * @example driverVersion: version({ sql: sql`s.driver_version`, rank: sql`s.driver_version_rank` })
 */
export const version = ({ rank, ...options }: FieldOptions & { rank?: Sql }): Field => {
  const left = expression(options.sql);
  const kind: ValueKind = {
    expects: 'a version of up to 8 numbers with dots between',
    schema: { type: 'string', pattern: versionPattern, maxLength: 80 },
    parse: (dotted) => (new RegExp(versionPattern).test(dotted) ? dotted : undefined),
  };
  const order = (moment: Sql) => rank ?? sql`inventory.version_rank(${left(moment)}) COLLATE "C"`;
  return { ...scalar(kind, operators, ranks, { ...options, sql: order }), reading: { value: left, order } };
};
