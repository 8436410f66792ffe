import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { askedFilter } from '../support/asked-filter.ts';
import { expectedChoice, type FreeGpu, type Wanted } from '../support/choice-oracle.ts';
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
  for (const [at, gpus] of [1, 4, 2, 4, 3, 2].entries()) {
    const { id: providerId } = providers[at % 3] as { id: string };
    await openNode(service, { providerId, gpus });
  }
});
afterAll(() => service.stop());

const maybe = fc.option(fc.boolean(), { nil: undefined });
const request: fc.Arbitrary<Wanted> = fc.record({
  count: fc.constantFrom(1, 2, 3, 4),
  sameNode: maybe,
  sameModel: maybe,
  distinctProviders: maybe,
  objective: fc.constantFrom('cheapest', 'best_fit', 'most_reliable', 'spread'),
  filter: askedFilter,
});

it('gives every request exactly the GPUs that its objective names', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.array(request, { minLength: 3, maxLength: 6 }),
      async (seed, requests) => {
        await shuffle(seed);
        const made: string[] = [];
        for (const wanted of requests) {
          const expected = expectedChoice(await freeGpus(), wanted);
          const { status, body } = await client.post('/v1/allocations').send({ request: wanted });
          const chosen =
            status === 201 ? body.gpus.map(({ gpuId }: { gpuId: string }) => gpuId).sort() : null;
          expect({ wanted, chosen }).toEqual({ wanted, chosen: expected });
          if (status === 201) made.push(body.id);
        }
        for (const id of made) await client.post(`/v1/allocations/${id}/release`).expect(200);
      },
    ),
    { numRuns: 25, seed: 20_261_121 },
  );
});

/** Few values of everything, so that much of it ties. */
const shuffle = (seed: number) =>
  service.sql.query(
    `UPDATE inventory.gpu_state SET
       price_per_hour_nano_usd = (ARRAY[NULL, 1, 2, 2, 3])[1 + (hashtext(gpu_id::text || $1) & 65535) % 5],
       memory_total_mb = (ARRAY[8000, 16000, 24000])[1 + (hashtext(gpu_id::text || 'm' || $1) & 65535) % 3],
       model_id = (ARRAY['model-a', 'model-b'])[1 + (hashtext(gpu_id::text || 'n' || $1) & 65535) % 2],
       reputation = (ARRAY[NULL, 0.25, 0.5])[1 + (hashtext(provider_id::text || $1) & 65535) % 3]`,
    [String(seed)],
  );

async function freeGpus(): Promise<FreeGpu[]> {
  const { rows } = await service.sql.query<FreeGpu>(
    `SELECT gpu_id AS id, node_id AS "nodeId", node_seq::int AS "nodeSeq", provider_id AS "providerId",
            model_id AS "modelId", slot_index AS index, price_per_hour_nano_usd::int AS price,
            memory_total_mb AS "memoryMb", reputation
       FROM inventory.gpu_state WHERE blocks = 0 AND used_units = 0`,
  );
  return rows;
}
