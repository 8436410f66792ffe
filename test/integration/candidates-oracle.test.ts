import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { askedFilter } from '../support/asked-filter.ts';
import { type Asked, type ClassedGpu, expectedCandidates } from '../support/candidate-oracle.ts';
import { createProvider } from '../support/fleet.ts';
import { unswept } from '../support/ledger.ts';
import { createTenant, openNode } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let client: Client;
beforeAll(async () => {
  // No sweep may hold a row for a moment: a claim would pass over it.
  service = await startService({ ...unswept, SWEEP_INTERVAL_MS: '3600000' });
  client = service.as((await createTenant(service)).key);
  const providers = [
    await createProvider(service),
    await createProvider(service),
    await createProvider(service),
  ];
  for (const [at, gpus] of [1, 4, 2, 3, 2].entries()) {
    const { id: providerId } = providers[at % 3] as { id: string };
    await openNode(service, { providerId, gpus });
  }
});
afterAll(() => service.stop());

const maybe = fc.option(fc.boolean(), { nil: undefined });
const objective = fc.constantFrom<Asked['objective']>('cheapest', 'best_fit', 'most_reliable', 'spread');
const filter = askedFilter;
const flags = { sameNode: maybe, sameModel: maybe, distinctProviders: maybe };
const simple = fc.record({ count: fc.constantFrom(1, 2, 3, 4), ...flags, filter, objective });
const grouped = fc.record({
  groups: fc.array(fc.record({ count: fc.constantFrom(1, 1, 2), ...flags, filter }), {
    minLength: 1,
    maxLength: 3,
  }),
  sameNode: maybe,
  sameModel: maybe,
  objective,
});

it.each([
  ['a request', simple, 60],
  ['a request in groups', grouped, 40],
])('finds for %s the sets that trying all would find, in their order', async (_what, request, numRuns) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      request as fc.Arbitrary<Asked>,
      fc.constantFrom(1, 3, 10, 40),
      async (seed, asked, limit) => {
        await shuffle(seed);
        const expected = expectedCandidates(await freeGpus(), asked, limit);
        const { body } = await client
          .post('/v1/candidates')
          .send({ ...asked, limit })
          .expect(200);
        expect({ asked, found: body.candidates.map(shape) }).toEqual({ asked, found: expected });
        const scores = body.candidates.map(({ score }: { score: number }) => score);
        expect(scores).toEqual([...scores].sort((a, b) => b - a));
        for (const { score, scoreTerms } of body.candidates)
          expect(Object.values<number>(scoreTerms).reduce((sum, term) => sum + term, 0)).toBe(score);
      },
    ),
    { numRuns, seed: 20_261_125 },
  );
});

it.each([
  ['a request', simple],
  ['a request in groups', grouped],
])('names first what an allocation of %s takes', async (_what, request) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.array(request as fc.Arbitrary<Asked>, { minLength: 2, maxLength: 4 }),
      async (seed, requests) => {
        await shuffle(seed);
        const made: string[] = [];
        for (const asked of requests) {
          const { body: found } = await client.post('/v1/candidates').send(asked).expect(200);
          const { status, body } = await client.post('/v1/allocations').send({ request: asked });
          const taken = status === 201 ? body.gpus.map(({ gpuId }: { gpuId: string }) => gpuId) : null;
          expect({ asked, taken }).toEqual({ asked, taken: found.candidates[0]?.gpuIds.sort() ?? null });
          if (status === 201) made.push(body.id);
        }
        for (const id of made) await client.post(`/v1/allocations/${id}/release`).expect(200);
      },
    ),
    { numRuns: 25, seed: 20_261_125 },
  );
});

interface Shown {
  gpuIds: string[];
  classes: { modelId: string; nodeId?: string; count: number; available: number }[];
}

const shape = ({ gpuIds, classes }: Shown) => ({
  gpuIds: [...gpuIds].sort(),
  classes: classes
    .map(({ modelId, nodeId, count, available }) => [modelId, nodeId ?? null, count, available])
    .sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
});

/** Few values of everything, so that much of it ties. */
const shuffle = (seed: number) =>
  service.sql.query(
    `UPDATE inventory.gpu_state SET
       price_per_hour_nano_usd = (ARRAY[NULL, 1, 2, 2, 3])[1 + (hashtext(gpu_id::text || $1) & 65535) % 5],
       memory_total_mb = (ARRAY[8000, 16000, 24000])[1 + (hashtext(gpu_id::text || 'm' || $1) & 65535) % 3],
       model_id = (ARRAY['model-a', 'model-b'])[1 + (hashtext(gpu_id::text || 'n' || $1) & 65535) % 2],
       health = (ARRAY['ok', 'ok', 'warning'])[1 + (hashtext(gpu_id::text || 'h' || $1) & 65535) % 3],
       level1_until = CASE WHEN hashtext(gpu_id::text || 'l' || $1) & 3 = 0 THEN clock_timestamp() + interval '1 day' END,
       reputation = (ARRAY[NULL, 0.25, 0.5])[1 + (hashtext(provider_id::text || $1) & 65535) % 3]`,
    [String(seed)],
  );

async function freeGpus(): Promise<ClassedGpu[]> {
  const { rows } = await service.sql.query<ClassedGpu>(
    `SELECT gpu_id AS id, node_id AS "nodeId", node_seq::int AS "nodeSeq", provider_id AS "providerId",
            model_id AS "modelId", slot_index AS index, price_per_hour_nano_usd::int AS price, region, health,
            memory_total_mb AS "memoryMb", reputation, CASE WHEN level1_until IS NULL THEN 0 ELSE 1 END AS level
       FROM inventory.gpu_state WHERE blocks = 0 AND used_units = 0`,
  );
  return rows;
}
