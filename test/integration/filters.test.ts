import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import sql, { type Sql } from 'sql-template-tag';
import { parseFilterBody } from '../../src/kernel/filters/body.ts';
import { compileFilters, whereAll } from '../../src/kernel/filters/sql.ts';
import {
  keysetPredicate,
  orderBy,
  readSortValues,
  type SortValues,
  sortValues,
} from '../../src/kernel/http/keyset.ts';
import { defineSort, parseSort } from '../../src/kernel/http/sort.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type FilterRow, filterBody, filterRow, passes, rowFilters } from '../support/filter-rows.ts';

const rowCount = 200;

let database: TestDatabase;
let client: pg.Client;
let rows: FilterRow[];

beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(sql`CREATE TEMP TABLE r (
    id bigint PRIMARY KEY, memory_total_mb integer, reputation real, price bigint, seen_at timestamptz,
    driver_version text, supports_cuda boolean, vendor text, region text, labels jsonb NOT NULL)`);
  rows = randomRows();
  await client.query(sql`INSERT INTO r SELECT id, "memoryTotalMb", reputation, "pricePerHourNanoUsd", "seenAt",
    "driverVersion", "supportsCuda", vendor, region, labels
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS given(id bigint, "memoryTotalMb" integer,
      reputation real, "pricePerHourNanoUsd" bigint, "seenAt" timestamptz, "driverVersion" text,
      "supportsCuda" boolean, vendor text, region text, labels jsonb)`);
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

describe('a compiled filter', () => {
  it('finds the rows that plain reading finds', async () => {
    await fc.assert(
      fc.asyncProperty(filterBody, async (json) => {
        const ast = parseFilterBody(rowFilters, json);
        const expected = rows.filter((row) => ast.every(({ test }) => passes(row, test))).map(({ id }) => id);
        expect(await matching(json)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps what is missing out of ne and nin, and leaves it in under not', async () => {
    const ne = await matching({ vendor: { ne: 'amd' } });
    const nin = await matching({ vendor: { nin: ['amd'] } });
    const not = await matching({ not: { vendor: 'amd' } });
    const unknown = await matching({ vendor: { exists: false } });
    expect(ne).toEqual(nin);
    expect(not).toEqual([...ne, ...unknown].sort((a, b) => a - b));
    expect(unknown.length).toBeGreaterThan(0);
  });
});

describe('a keyset walk', () => {
  const sorts = defineSort({
    id: { sql: sql`r.id`, type: 'bigint' },
    price: { sql: sql`r.price`, type: 'bigint', nullable: true },
    cheap: {
      sql: (direction) =>
        direction === 'asc' ? sql`coalesce(r.price, 9223372036854775807)` : sql`coalesce(r.price, -1)`,
      type: 'bigint',
    },
    reputation: { sql: sql`r.reputation`, type: 'double precision', nullable: true },
    seenAt: { sql: sql`r.seen_at`, type: 'timestamptz', nullable: true },
    region: { sql: sql`r.region`, type: 'text', nullable: true },
  });
  const field = fc.constantFrom('id', 'price', 'cheap', 'reputation', 'seenAt', 'region');
  const sortText = fc
    .uniqueArray(fc.tuple(fc.constantFrom('', '-'), field), {
      selector: ([, name]) => name,
      minLength: 1,
      maxLength: 3,
    })
    .map((keys) => keys.map((key) => key.join('')).join(','));

  it('meets each row once, in the order of one query, whatever the sort and the size of a page', async () => {
    await fc.assert(
      fc.asyncProperty(sortText, fc.integer({ min: 7, max: 90 }), async (text, limit) => {
        const sort = parseSort(sorts, text);
        const whole = await ids(sql`SELECT r.id FROM r ORDER BY ${orderBy(sort)}`);
        const walked: number[] = [];
        let after: SortValues | null = null;
        do {
          const from: Sql = after === null ? sql`TRUE` : keysetPredicate(sort, after);
          const page = await client.query<{ id: string; values: string }>(
            sql`SELECT r.id, ${sortValues(sort)} AS values FROM r WHERE ${from} ORDER BY ${orderBy(sort)} LIMIT ${limit}`,
          );
          walked.push(...page.rows.map(({ id }) => Number(id)));
          const last = page.rows.at(-1)?.values;
          after = last === undefined ? null : readSortValues(last);
        } while (after !== null && walked.length <= rowCount);
        expect(walked).toEqual(whole);
      }),
      { numRuns: 40 },
    );
  });

  it('puts missing values last in both directions', async () => {
    const missing = rows.filter((row) => row.pricePerHourNanoUsd === null).map(({ id }) => id);
    for (const text of ['price', '-price', '-cheap']) {
      const whole = await ids(sql`SELECT r.id FROM r ORDER BY ${orderBy(parseSort(sorts, text))}`);
      expect(new Set(whole.slice(-missing.length))).toEqual(new Set(missing));
    }
  });
});

async function ids(query: Sql): Promise<number[]> {
  const result = await client.query<{ id: string }>(query);
  return result.rows.map(({ id }) => Number(id));
}

function matching(json: unknown): Promise<number[]> {
  const ast = parseFilterBody(rowFilters, json);
  const where = whereAll(compileFilters(rowFilters, ast, { moment: sql`clock_timestamp()` }));
  return ids(sql`SELECT r.id FROM r WHERE ${where} ORDER BY r.id`);
}

function randomRows(): FilterRow[] {
  const arbitrary = fc.tuple(...Array.from({ length: rowCount }, (_, index) => filterRow(index + 1)));
  return fc.sample(arbitrary, { numRuns: 1, seed: 42 }).flat();
}
