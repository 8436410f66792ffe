import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import Schema from 'typebox/schema';
import { filterBody, rowFilters } from '../../../test/support/filter-rows.ts';
import { parseFilterBody } from './body.ts';
import { parseFilterQuery } from './query.ts';
import { filterBodySchema, filterQuerySchema } from './schema.ts';

const schema = filterBodySchema(rowFilters, 'RowFilter');

function parses(json: unknown): boolean {
  try {
    parseFilterBody(rowFilters, json);
    return true;
  } catch {
    return false;
  }
}

describe('filterBodySchema', () => {
  it('accepts every filter that the parser accepts', () => {
    fc.assert(
      fc.property(filterBody, (json) => {
        expect([Schema.Check(schema, json), parses(json)]).toEqual([true, true]);
      }),
    );
  });

  it.each([
    { colour: 1 },
    { memoryTotalMb: '1' },
    { memoryTotalMb: -1 },
    { memoryTotalMb: {} },
    { memoryTotalMb: { eq: 1 } },
    { memoryTotalMb: { in: [] } },
    { supportsCuda: { gt: true } },
    { vendor: 'NVIDIA' },
    { regions: 'eu-1' },
    { pricePerHourNanoUsd: '01' },
    { labels: {} },
    { labels: { '-x': 'a' } },
    { any: [{ not: { colour: 1 } }] },
  ])('refuses %j as the parser does', (json) => {
    expect([Schema.Check(schema, json), parses(json)]).toEqual([false, false]);
  });
});

describe('filterQuerySchema', () => {
  const { properties } = filterQuerySchema(rowFilters);

  it('lists every parameter that the parser knows, everyday names first', () => {
    const names = Object.keys(properties);
    expect(names.slice(0, 4)).toEqual(['minMemoryMb', 'maxPricePerHourNanoUsd', 'regions', 'memoryTotalMb']);
    expect(names).toEqual(expect.arrayContaining(['vendor.nin', 'supportsCuda.exists', 'driverVersion.gte']));
    const unknown = names.filter((name) => {
      try {
        parseFilterQuery(rowFilters, { [name]: '' });
        return false;
      } catch (error) {
        return !(error instanceof Error && / must be /.test(error.message));
      }
    });
    expect(unknown).toEqual([]);
  });

  it('says what each means', () => {
    expect(properties['memoryTotalMb.gte']).toMatchObject({
      type: 'integer',
      minimum: 0,
      maximum: 1_048_576,
      description: 'At least this.',
    });
    expect(properties.vendor).toMatchObject({ description: 'Maker of the GPU. Equal to this.' });
    expect(properties['vendor.in']).toMatchObject({
      type: 'string',
      description: 'Maker of the GPU. One of these. Separated by commas.',
    });
    expect(properties.regions).toMatchObject({
      description: 'Short for `region.in`. One of these. Separated by commas.',
    });
  });
});
