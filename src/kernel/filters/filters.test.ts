import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import sql from 'sql-template-tag';
import { conditionBody, filterBody, givenCondition, rowFilters } from '../../../test/support/filter-rows.ts';
import { AppError } from '../errors.ts';
import { maxConditions, maxDepth, parseFilterBody } from './body.ts';
import { boolean } from './equality-kinds.ts';
import { defineFilters } from './filters.ts';
import { parseFilterQuery } from './query.ts';
import { compileFilters } from './sql.ts';

const query = (parameters: Record<string, unknown>) => parseFilterQuery(rowFilters, parameters, ['limit']);
const body = (json: unknown) => parseFilterBody(rowFilters, json);
const tests = (ast: ReturnType<typeof query>) => ast.map(({ test }) => test);

/** The place that a refusal names; undefined where there was none. */
function refused(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof AppError && error.status === 400) return error.errors[0]?.pointer;
    throw error;
  }
}

describe('filters in the query string', () => {
  it('reads equality, operators, lists, versions, labels and shorthands in input order', () => {
    const ast = query({
      vendor: 'nvidia',
      'memoryTotalMb.gte': '24576',
      'region.in': 'eu-1,us-east',
      'driverVersion.gte': '535.86.05',
      'labels.rack.ne': 'a1',
      'labels.a.b/c': 'x',
      'seenAt.exists': 'false',
      minMemoryMb: '8192',
      regions: 'eu-1',
      limit: '10',
    });
    expect(ast.map(({ name }) => name)).toEqual([
      'vendor',
      'memoryTotalMb.gte',
      'region.in',
      'driverVersion.gte',
      'labels.rack.ne',
      'labels.a.b/c',
      'seenAt.exists',
      'minMemoryMb',
      'regions',
    ]);
    expect(tests(ast)).toEqual([
      { field: 'vendor', operator: 'eq', operand: 'nvidia' },
      { field: 'memoryTotalMb', operator: 'gte', operand: 24576 },
      { field: 'region', operator: 'in', operand: ['eu-1', 'us-east'] },
      { field: 'driverVersion', operator: 'gte', operand: '535.86.05' },
      { field: 'labels.rack', operator: 'ne', operand: 'a1' },
      { field: 'labels.a.b/c', operator: 'eq', operand: 'x' },
      { field: 'seenAt', operator: 'exists', operand: false },
      { field: 'memoryTotalMb', operator: 'gte', operand: 8192 },
      { field: 'region', operator: 'in', operand: ['eu-1'] },
    ]);
  });

  it('takes what a schema has already coerced', () => {
    expect(tests(query({ memoryTotalMb: 24576, supportsCuda: true, 'region.exists': true }))).toEqual(
      tests(query({ memoryTotalMb: '24576', supportsCuda: 'true', 'region.exists': 'true' })),
    );
  });

  it.each([
    'colour',
    'specs.memoryTotalMb',
    'memoryTotalMb.eq',
    'memoryTotalMb.',
    '.gte',
    'supportsCuda.gt',
    'region.gte',
    'labels',
    'labels.',
    'labels.-x',
    'minMemoryMb.gte',
    'constructor',
    '__proto__.gte',
    'all',
    '',
  ])('refuses the unknown parameter %j by its name', (name) => {
    expect(refused(() => query(Object.fromEntries([[name, '1']])))).toBe(name);
  });

  it.each([
    ['memoryTotalMb', '1.5'],
    ['memoryTotalMb', '1e3'],
    ['memoryTotalMb', ' 5'],
    ['memoryTotalMb', '-1'],
    ['memoryTotalMb', '99999999999999999999'],
    ['memoryTotalMb', ''],
    ['reputation', '0x1'],
    ['reputation', 'NaN'],
    ['pricePerHourNanoUsd', '9223372036854775808'],
    ['pricePerHourNanoUsd', '-1'],
    ['seenAt', 'infinity'],
    ['seenAt', '2026-02-30T00:00:00Z'],
    ['driverVersion', '535.xx'],
    ['driverVersion', '1.1234567890'],
    ['supportsCuda', '1'],
    ['supportsCuda.exists', 'yes'],
    ['vendor', 'NVIDIA'],
    ['region', ''],
    ['region', 'a\0b'],
    ['region', '\ud800'],
    ['region', 'x'.repeat(65)],
    ['region.in', 'eu-1,,us-east'],
    ['region.in', Array.from({ length: 101 }, () => 'eu-1').join(',')],
    ['minMemoryMb', 'much'],
  ])('refuses %s=%j by its name', (name, value) => {
    expect(refused(() => query({ [name]: value }))).toBe(name);
  });

  it('refuses a repeated parameter, filter or not', () => {
    expect(refused(() => query({ vendor: ['nvidia', 'amd'] }))).toBe('vendor');
    expect(refused(() => query({ limit: ['1', '2'] }))).toBe('limit');
  });
});

describe('filters in a body', () => {
  it('reads one predicate for each key, as written and as understood', () => {
    const filter = {
      memoryTotalMb: { gte: 1, lt: 9 },
      vendor: 'nvidia',
      labels: { rack: 'a1', 'a/b': { exists: true } },
      regions: ['eu-1'],
      any: [{ supportsCuda: true }, { not: { region: 'eu-1' } }],
    };
    const ast = body(filter);
    expect(Object.fromEntries(ast.map(({ name, value }) => [name, value]))).toEqual(filter);
    expect(tests(ast)).toEqual([
      {
        all: [
          { field: 'memoryTotalMb', operator: 'gte', operand: 1 },
          { field: 'memoryTotalMb', operator: 'lt', operand: 9 },
        ],
      },
      { field: 'vendor', operator: 'eq', operand: 'nvidia' },
      {
        all: [
          { field: 'labels.rack', operator: 'eq', operand: 'a1' },
          { field: 'labels.a/b', operator: 'exists', operand: true },
        ],
      },
      { field: 'region', operator: 'in', operand: ['eu-1'] },
      {
        any: [
          { field: 'supportsCuda', operator: 'eq', operand: true },
          { not: { field: 'region', operator: 'eq', operand: 'eu-1' } },
        ],
      },
    ]);
  });

  it('reads an empty filter as no condition', () => {
    expect(body({})).toEqual([]);
  });

  it.each<[unknown, string]>([
    [null, '/filter'],
    [[], '/filter'],
    [{ colour: 1 }, '/filter/colour'],
    [{ memoryTotalMb: null }, '/filter/memoryTotalMb'],
    [{ memoryTotalMb: '1' }, '/filter/memoryTotalMb'],
    [{ memoryTotalMb: 1.5 }, '/filter/memoryTotalMb'],
    [{ memoryTotalMb: {} }, '/filter/memoryTotalMb'],
    [{ memoryTotalMb: { eq: 1 } }, '/filter/memoryTotalMb/eq'],
    [{ memoryTotalMb: { in: 1 } }, '/filter/memoryTotalMb/in'],
    [{ memoryTotalMb: { in: [] } }, '/filter/memoryTotalMb/in'],
    [{ memoryTotalMb: { exists: 'true' } }, '/filter/memoryTotalMb/exists'],
    [{ pricePerHourNanoUsd: 5 }, '/filter/pricePerHourNanoUsd'],
    [{ supportsCuda: 'true' }, '/filter/supportsCuda'],
    [{ vendor: ['nvidia'] }, '/filter/vendor'],
    [{ 'memoryTotalMb.gte': 1 }, '/filter/memoryTotalMb.gte'],
    [{ minMemoryMb: { gte: 1 } }, '/filter/minMemoryMb'],
    [{ labels: { 'a/b': 1 } }, '/filter/labels/a~1b'],
    [{ labels: { '-x': 'a' } }, '/filter/labels/-x'],
    [{ labels: 'a1' }, '/filter/labels'],
    [{ any: [] }, '/filter/any'],
    [{ any: {} }, '/filter/any'],
    [{ all: [{}] }, '/filter/all/0'],
    [{ not: [] }, '/filter/not'],
    [{ any: [{ vendor: 'nvidia' }, { not: { vendor: 'x' } }] }, '/filter/any/1/not/vendor'],
  ])('refuses %j at %s', (json, pointer) => {
    expect(refused(() => body(json))).toBe(pointer);
  });

  it('counts levels and conditions', () => {
    const nested = (levels: number): unknown =>
      levels === 1 ? { vendor: 'nvidia' } : { not: nested(levels - 1) };
    const many = (count: number) => ({ any: Array.from({ length: count }, () => ({ vendor: 'nvidia' })) });
    expect(refused(() => body(nested(maxDepth)))).toBeUndefined();
    expect(refused(() => body(nested(maxDepth + 1)))).toBe(`/filter${'/not'.repeat(maxDepth)}`);
    expect(refused(() => body(many(maxConditions)))).toBeUndefined();
    expect(refused(() => body(many(maxConditions + 1)))).toBe(`/filter/any/${maxConditions}/vendor`);
  });
});

describe('one definition for both forms', () => {
  const compiled = (ast: ReturnType<typeof query>) =>
    compileFilters(rowFilters, ast, { moment: sql`now()` }).map(({ sql: { text, values }, relations }) => ({
      text,
      values,
      relations,
    }));

  it('compiles a filter to the same SQL from either', () => {
    const distinct = fc.uniqueArray(givenCondition, {
      selector: ({ field }) => field.split('.')[0],
      maxLength: 6,
    });
    fc.assert(
      fc.property(distinct, (conditions) => {
        const parameters = conditions.map(({ field, operator, json }) => [
          operator === 'eq' ? field : `${field}.${operator}`,
          Array.isArray(json) ? json.join(',') : String(json),
        ]);
        const json = Object.assign({}, ...conditions.map(conditionBody));
        expect(compiled(query(Object.fromEntries(parameters)))).toEqual(compiled(body(json)));
      }),
    );
  });

  it('never puts a value into the text', () => {
    fc.assert(
      fc.property(filterBody, fc.stringMatching(/^['"\\; -]{1,20}$/), (json, hostile) => {
        const [plain] = compiled(body({ all: [json, { region: 'x' }, { labels: { rack: 'x' } }] }));
        const [bad] = compiled(body({ all: [json, { region: hostile }, { labels: { rack: hostile } }] }));
        expect(bad?.text).toBe(plain?.text);
      }),
    );
  });

  it('refuses at start a shorthand that means nothing', () => {
    const fields = { supportsCuda: boolean({ sql: sql`s.supports_cuda` }) };
    expect(() => defineFilters(fields, { moreCuda: 'supportsCuda.gt' })).toThrow('moreCuda');
  });
});
