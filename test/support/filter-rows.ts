import fc from 'fast-check';
import sql from 'sql-template-tag';
import { boolean, enumeration, labels, text } from '../../src/kernel/filters/equality-kinds.ts';
import type { Comparison, Operator, Scalar } from '../../src/kernel/filters/field.ts';
import { defineFilters, type FilterTest } from '../../src/kernel/filters/filters.ts';
import { decimal, integer, number, timestamp, version } from '../../src/kernel/filters/ordered-kinds.ts';

/** A row with one property of every kind, each of which may be missing. */
export interface FilterRow {
  id: number;
  memoryTotalMb: number | null;
  reputation: number | null;
  pricePerHourNanoUsd: string | null;
  seenAt: string | null;
  driverVersion: string | null;
  supportsCuda: boolean | null;
  vendor: string | null;
  region: string | null;
  labels: Record<string, string>;
}

const vendors = ['nvidia', 'amd', 'intel', 'other'];

export const rowFilters = defineFilters(
  {
    memoryTotalMb: integer({ sql: sql`r.memory_total_mb`, relation: 'state', min: 0, max: 1_048_576 }),
    reputation: number({ sql: sql`r.reputation`, column: 'real', min: 0, max: 1 }),
    pricePerHourNanoUsd: decimal({ sql: sql`r.price`, relation: 'state' }),
    seenAt: timestamp({ sql: sql`r.seen_at` }),
    driverVersion: version({ sql: sql`r.driver_version` }),
    supportsCuda: boolean({ sql: sql`r.supports_cuda`, relation: 'state' }),
    vendor: enumeration(vendors, { sql: sql`r.vendor`, description: 'Maker of the GPU.' }),
    region: text({ sql: sql`r.region`, ignoreCase: true, maxLength: 64 }),
    labels: labels({ sql: sql`r.labels`, relation: 'gpu' }),
  },
  {
    minMemoryMb: 'memoryTotalMb.gte',
    maxPricePerHourNanoUsd: 'pricePerHourNanoUsd.lte',
    regions: 'region.in',
  },
);

/** Few values of each kind, so that random filters meet random rows; some are equal under their kind's rule alone. */
const values = {
  memoryTotalMb: [0, 8_192, 24_576, 81_920],
  reputation: [0, 0.1, 0.9, 1],
  pricePerHourNanoUsd: ['0', '500000000', '9007199254740993', '9223372036854775807'],
  seenAt: ['2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000001Z', '2026-06-30T22:00:00.5+02:00'],
  driverVersion: ['12', '12.0', '535.86.05', '535.86.5', '535.129.3', '550.54.15'],
  supportsCuda: [true, false],
  vendor: vendors,
  region: ['eu-1', 'EU-1', 'us-east', 'Äsien'],
};
const labelValues = ['a1', 'b2'];

const maybe = <T>(list: readonly T[]) => fc.option(fc.constantFrom(...list));

export const filterRow = (id: number): fc.Arbitrary<FilterRow> =>
  fc.record({
    id: fc.constant(id),
    memoryTotalMb: maybe(values.memoryTotalMb),
    reputation: maybe(values.reputation),
    pricePerHourNanoUsd: maybe(values.pricePerHourNanoUsd),
    seenAt: maybe(values.seenAt),
    driverVersion: maybe([...values.driverVersion, 'unreadable']),
    supportsCuda: maybe(values.supportsCuda),
    vendor: maybe(values.vendor),
    region: maybe(values.region),
    labels: fc.dictionary(fc.constantFrom('rack', 'a/b'), fc.constantFrom(...labelValues), { maxKeys: 2 }),
  });

/** One comparison as JSON has it: a plain value for `eq`. */
export interface GivenCondition {
  field: string;
  operator: Comparison;
  json: unknown;
}

function comparison(field: string, allowed: readonly Operator[], known: readonly Scalar[]) {
  const value = fc.constantFrom(...known);
  return fc.constantFrom<Comparison>('eq', ...allowed).chain((operator): fc.Arbitrary<GivenCondition> => {
    const operand =
      operator === 'exists'
        ? fc.boolean()
        : operator === 'in' || operator === 'nin'
          ? fc.array(value, { minLength: 1, maxLength: 3 })
          : value;
    return operand.map((json) => ({ field, operator, json }));
  });
}

const operatorsOf = (field: string): readonly Operator[] => rowFilters.fields.get(field)?.operators ?? [];

export const givenCondition: fc.Arbitrary<GivenCondition> = fc.oneof(
  ...Object.entries(values).map(([field, known]) => comparison(field, operatorsOf(field), known)),
  comparison('labels.rack', operatorsOf('labels'), labelValues),
  comparison('labels.a/b', operatorsOf('labels'), labelValues),
);

/** `{"vendor": {"ne": "amd"}}`, `{"labels": {"rack": "a1"}}`. */
export function conditionBody({ field, operator, json }: GivenCondition): Record<string, unknown> {
  const comparisons = operator === 'eq' ? json : { [operator]: json };
  const [family = '', key] = field.split('.', 2);
  return key === undefined ? { [family]: comparisons } : { [family]: { [key]: comparisons } };
}

/** A filter in JSON, nested up to three levels. */
export const filterBody = fc.letrec<{ filter: Record<string, unknown> }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    givenCondition.map(conditionBody),
    fc.record({ not: tie('filter') }),
    fc.record({ any: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ all: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
  ),
})).filter;

export type Comparable = string | number | bigint | boolean | readonly number[];

const microseconds = (moment: string): bigint => {
  const fraction = /\.(\d+)/.exec(moment)?.[1] ?? '';
  const whole = Date.parse(moment.replace(/\.\d+/, ''));
  return BigInt(whole) * 1000n + BigInt(fraction.padEnd(6, '0'));
};

/** The parts that a dotted version counts as; null where it is not one. */
export const versionParts = (dotted: string): readonly number[] | null =>
  /^\d+(\.\d+)*$/.test(dotted)
    ? dotted
        .replace(/(\.0+)+$/, '')
        .split('.')
        .map(Number)
    : null;

/** What a value counts as when it is compared, by the rule of its field. */
const readings: Record<string, (value: Scalar) => Comparable | null> = {
  pricePerHourNanoUsd: (value) => BigInt(value),
  seenAt: (value) => microseconds(String(value)),
  driverVersion: (value) => versionParts(String(value)),
  // PostgreSQL folds ASCII alone under the C locale.
  region: (value) => String(value).replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
};

/** Negative, 0 or positive, as `a` comes before, with or after `b`. */
export function order(a: Comparable, b: Comparable): number {
  if (typeof a !== 'object' || typeof b !== 'object') return a < b ? -1 : a > b ? 1 : 0;
  const differs = a.findIndex((part, index) => part !== b[index]);
  if (differs === -1) return a.length - b.length;
  return (a[differs] ?? -1) - (b[differs] ?? -1);
}

/** Whether a comparison holds, by how the value stands to each operand. */
export const holds: Record<Exclude<Comparison, 'exists'>, (orders: number[]) => boolean> = {
  eq: ([first]) => first === 0,
  ne: ([first]) => first !== 0,
  gt: ([first = 0]) => first > 0,
  gte: ([first = 0]) => first >= 0,
  lt: ([first = 0]) => first < 0,
  lte: ([first = 0]) => first <= 0,
  in: (orders) => orders.includes(0),
  nin: (orders) => !orders.includes(0),
};

function readingOf(row: FilterRow, field: string): Comparable | null {
  const entry = new Map<string, unknown>(Object.entries({ ...row, ...prefixed(row.labels) })).get(field);
  if (typeof entry !== 'string' && typeof entry !== 'number' && typeof entry !== 'boolean') return null;
  return readings[field]?.(entry) ?? (field in readings ? null : entry);
}

const prefixed = (family: Record<string, string>) =>
  Object.fromEntries(Object.entries(family).map(([key, value]) => [`labels.${key}`, value]));

/** Says by plain reading whether a row passes: what is missing passes `exists: false` alone. */
export function passes(row: FilterRow, test: FilterTest): boolean {
  if ('all' in test) return test.all.every((inner) => passes(row, inner));
  if ('any' in test) return test.any.some((inner) => passes(row, inner));
  if ('not' in test) return !passes(row, test.not);
  const { field, operator, operand } = test;
  const value = readingOf(row, field);
  if (operator === 'exists') return (value !== null) === operand;
  if (value === null) return false;
  const orders = [operand].flat().map((given) => {
    const reading = readings[field] ? readings[field](given) : given;
    return reading === null ? Number.NaN : order(value, reading);
  });
  return holds[operator](orders);
}
