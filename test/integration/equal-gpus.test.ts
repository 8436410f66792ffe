import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { unswept } from '../support/ledger.ts';
import { manyGpus } from '../support/many-gpus.ts';
import { createTenant } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let client: Client;
beforeAll(async () => {
  // No sweep may hold a row for a moment: a claim would pass over it.
  service = await startService({ ...unswept, SWEEP_INTERVAL_MS: '3600000' });
  client = service.as((await createTenant(service)).key);
  await manyGpus(service.sql, 1600);
});
afterAll(() => service.stop());

/** Which share of the GPUs is free, and of these the cheapest and the smallest, in percent. */
const fleet = fc.record({
  seed: fc.integer(),
  free: fc.constantFrom(15, 50, 100),
  cheap: fc.constantFrom(10, 60, 100),
  small: fc.constantFrom(40, 100),
});

it.each([
  ['cheapest', 'price, memory'],
  ['best_fit', 'memory'],
])('%s takes of hundreds that tie those on the nodes with fewest free GPUs', async (objective, own) => {
  const request = fc.record({ count: fc.integer({ min: 1, max: 4 }), model: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fleet, request, async (made, { count, model }) => {
      await remake(made);
      const filter = model ? { modelId: { in: ['model-1', 'model-3', 'model-5'] } } : {};
      const expected = await bestOf(own, count, model ? filter.modelId?.in : undefined);
      const asked = { count, objective, filter };
      await expectChoice(asked, expected);
    }),
    { numRuns: 25 },
  );
});

it.each([
  ['cheapest', 'price, memory, free_on_node'],
  ['best_fit', 'memory, free_on_node'],
  ['spread', '-free_on_node'],
])('%s takes the best of hundreds of nodes with sameNode', async (objective, aspects) => {
  await fc.assert(
    fc.asyncProperty(fleet, fc.integer({ min: 2, max: 5 }), async (made, count) => {
      await remake(made);
      const expected = await bestNodeOf(aspects, count);
      const asked = { count, objective, sameNode: true };
      await expectChoice(asked, expected);
    }),
    { numRuns: 15 },
  );
});

it.each([
  ['cheapest', 'price, memory, free_on_node'],
  ['spread', '-free_on_node'],
])('%s takes the best of each of the best providers where they must differ', async (objective, aspects) => {
  await fc.assert(
    fc.asyncProperty(fleet, fc.integer({ min: 2, max: 5 }), async (made, count) => {
      await remake(made);
      const expected = await bestOfProviders(aspects, count);
      const request = { count, objective, distinctProviders: true };
      await expectClaim(request, expected);
    }),
    { numRuns: 20 },
  );
});

/** Both candidates and a claim choose these, or find nothing where there are none. */
async function expectChoice(asked: object, expected: readonly string[]): Promise<void> {
  const { body } = await client.post('/v1/candidates').send(asked).expect(200);
  expect([...(body.candidates[0]?.gpuIds ?? [])].sort()).toEqual(expected);
  if (expected.length > 0) await expectClaim(asked, expected);
}

/** A claim takes these; they are given back. */
async function expectClaim(request: object, expected: readonly string[]): Promise<void> {
  const { body } = await client.post('/v1/allocations').send({ request }).expect(201);
  expect(body.gpus.map(({ gpuId }: { gpuId: string }) => gpuId).sort()).toEqual(expected);
  await client.post(`/v1/allocations/${body.id}/release`).expect(200);
}

const remake = ({ seed, free, cheap, small }: { seed: number; free: number; cheap: number; small: number }) =>
  service.sql.query(
    `UPDATE inventory.gpu_state SET
       blocks = CASE WHEN (hashtext(gpu_id::text || $1) & 65535) % 100 < $2::integer THEN 0 ELSE 16 END,
       price_per_hour_nano_usd = CASE WHEN (hashtext(gpu_id::text || 'p' || $1) & 65535) % 100 < $3::integer THEN 1 ELSE 2 END,
       memory_total_mb = CASE WHEN (hashtext(gpu_id::text || 'm' || $1) & 65535) % 100 < $4::integer THEN 8000 ELSE 16000 END`,
    [String(seed), free, cheap, small],
  );

/** By the words of the promise, over all rows. */
async function bestOf(own: string, count: number, models?: readonly string[]): Promise<string[]> {
  const { rows } = await service.sql.query<{ gpu_id: string }>(
    `SELECT gpu_id FROM (
       SELECT *, price_per_hour_nano_usd AS price, memory_total_mb AS memory,
              count(*) OVER (PARTITION BY node_id) AS free_on_node
         FROM inventory.gpu_state WHERE blocks = 0 AND used_units = 0) g
      WHERE $2::text[] IS NULL OR model_id = ANY($2)
      ORDER BY ${own}, free_on_node, node_seq, slot_index, seq LIMIT $1`,
    [count, models ?? null],
  );
  return rows.length < count ? [] : rows.map(({ gpu_id }) => gpu_id).sort();
}

/** The same of the best node: by the sums of the aspects over its best GPUs, then the node registered first. */
async function bestNodeOf(aspects: string, count: number): Promise<string[]> {
  const sums = aspects.split(', ').map((aspect) => `sum(${aspect})`);
  const { rows } = await service.sql.query<{ gpu_ids: string[] }>(
    `SELECT array_agg(gpu_id::text ORDER BY gpu_id::text) AS gpu_ids FROM (
       SELECT *, row_number() OVER (PARTITION BY node_id ORDER BY ${aspects}, slot_index, seq) AS nth FROM (
         SELECT *, price_per_hour_nano_usd AS price, memory_total_mb AS memory,
                count(*) OVER (PARTITION BY node_id) AS free_on_node
           FROM inventory.gpu_state WHERE blocks = 0 AND used_units = 0) g) m
      WHERE nth <= $1::integer GROUP BY node_seq HAVING count(*) = $1::integer
      ORDER BY ${sums.join()}, node_seq LIMIT 1`,
    [count],
  );
  return rows[0]?.gpu_ids ?? [];
}

/** The best of so many providers, each with its best GPU alone. */
async function bestOfProviders(aspects: string, count: number): Promise<string[]> {
  const order = `${aspects}, node_seq, slot_index, seq`;
  const { rows } = await service.sql.query<{ gpu_id: string }>(
    `SELECT gpu_id FROM (
       SELECT DISTINCT ON (provider_id) * FROM (
         SELECT *, price_per_hour_nano_usd AS price, memory_total_mb AS memory,
                count(*) OVER (PARTITION BY node_id) AS free_on_node
           FROM inventory.gpu_state WHERE blocks = 0 AND used_units = 0) g
        ORDER BY provider_id, ${order}) best
      ORDER BY ${order} LIMIT $1`,
    [count],
  );
  return rows.map(({ gpu_id }) => gpu_id).sort();
}
