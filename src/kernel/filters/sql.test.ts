import { describe, expect, it } from '@jest/globals';
import sql from 'sql-template-tag';
import { rowFilters } from '../../../test/support/filter-rows.ts';
import { parseFilterBody } from './body.ts';
import { boolean, matching, search, uuid } from './equality-kinds.ts';
import { defineFilters, type FilterDefinition } from './filters.ts';
import { integer } from './ordered-kinds.ts';
import { compileFilters, whereAll } from './sql.ts';

const moment = sql`${'2026-01-01'}::timestamptz`;
const compile = (json: unknown, definition: FilterDefinition = rowFilters) =>
  compileFilters(definition, parseFilterBody(definition, json), { moment });
const one = (json: unknown, definition?: FilterDefinition) => {
  const where = whereAll(compile(json, definition));
  return [where.text, ...where.values];
};

describe('compileFilters', () => {
  it.each<[unknown, unknown[]]>([
    [{}, ['TRUE']],
    [{ memoryTotalMb: 1 }, ['(r.memory_total_mb) = $1::bigint', 1]],
    [{ memoryTotalMb: { nin: [1, 2] } }, ['(r.memory_total_mb) <> ALL($1::bigint[])', [1, 2]]],
    [{ reputation: { gte: 0.9 } }, ['(r.reputation) >= $1::double precision', Math.fround(0.9)]],
    [
      { reputation: { in: [0.1, 1] } },
      ['(r.reputation) = ANY($1::double precision[])', [Math.fround(0.1), 1]],
    ],
    [
      { driverVersion: { gte: '535.0' } },
      ['(inventory.version_rank(r.driver_version) COLLATE "C") >= $1::text', '3535'],
    ],
    [{ maxPricePerHourNanoUsd: '9007199254740993' }, ['(r.price) <= $1::bigint', '9007199254740993']],
    [
      { seenAt: { lt: '2026-01-01T01:00:00+02:00' } },
      ['(r.seen_at) < $1::timestamptz', '2025-12-31T23:00:00.000000Z'],
    ],
    [{ supportsCuda: true }, ['(r.supports_cuda)']],
    [{ supportsCuda: { ne: true } }, ['NOT (r.supports_cuda)']],
    [{ vendor: { exists: true } }, ['(r.vendor) IS NOT NULL']],
    [{ region: 'EU-1' }, ['(lower(r.region)) = lower($1::text)', 'EU-1']],
    [
      { regions: ['EU-1'] },
      ['(lower(r.region)) = ANY(SELECT lower(item) FROM unnest($1::text[]) AS item)', ['EU-1']],
    ],
    [{ labels: { rack: 'a1' } }, ['r.labels @> jsonb_build_object($1::text, $2::text)', 'rack', 'a1']],
    [{ labels: { rack: { in: ['a1'] } } }, ['(r.labels ->> $1::text) = ANY($2::text[])', 'rack', ['a1']]],
    [
      { not: { memoryTotalMb: { gt: 1, lt: 9 } } },
      ['(((r.memory_total_mb) > $1::bigint AND (r.memory_total_mb) < $2::bigint)) IS NOT TRUE', 1, 9],
    ],
    [
      { any: [{ vendor: 'amd' }, { supportsCuda: false }], memoryTotalMb: 1 },
      ['((r.vendor) = $1::text OR NOT (r.supports_cuda)) AND (r.memory_total_mb) = $2::bigint', 'amd', 1],
    ],
  ])('writes %j', (json, expected) => {
    expect(one(json)).toEqual(expected);
  });

  it('names each predicate and the relations that it reads', () => {
    const compiled = compile({ vendor: 'amd', any: [{ minMemoryMb: 1 }, { labels: { rack: 'a1' } }] });
    expect(compiled.map(({ name, relations }) => [name, [...relations]])).toEqual([
      ['vendor', []],
      ['any', ['state', 'gpu']],
    ]);
  });

  const derived = defineFilters({
    level: integer({ sql: (at) => sql`CASE WHEN s.level1_until > ${at} THEN 1 ELSE 0 END`, min: 0, max: 4 }),
    schedulable: boolean({ sql: (at) => sql`s.blocks = 0 AND s.held_until < ${at}` }),
    nodeId: uuid({ sql: sql`s.node_id` }),
    model: matching({ match: (names) => sql`s.model_id = ANY(${names})` }),
    q: search({ match: (words) => sql`g.name ILIKE ${words}` }),
  });

  it('hands the moment to derived properties', () => {
    expect(one({ level: { gte: 1 } }, derived)).toEqual([
      '(CASE WHEN s.level1_until > $1::timestamptz THEN 1 ELSE 0 END) >= $2::bigint',
      '2026-01-01',
      1,
    ]);
    expect(one({ schedulable: false }, derived)).toEqual([
      'NOT (s.blocks = 0 AND s.held_until < $1::timestamptz)',
      '2026-01-01',
    ]);
  });

  it('leaves matching to the collection', () => {
    expect(one({ model: 'RTX 4090' }, derived)).toEqual(['(s.model_id = ANY($1::text[]))', ['RTX 4090']]);
    expect(one({ model: { nin: ['a', 'b'] } }, derived)).toEqual([
      'NOT (s.model_id = ANY($1::text[]))',
      ['a', 'b'],
    ]);
    expect(one({ q: '4090' }, derived)).toEqual(['(g.name ILIKE $1::text)', '4090']);
  });

  it('takes an id in either case', () => {
    expect(one({ nodeId: '0190A5C2-0000-7000-8000-00000000000A' }, derived)).toEqual([
      '(s.node_id) = $1::uuid',
      '0190a5c2-0000-7000-8000-00000000000a',
    ]);
  });
});
