import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { askedFilter } from '../support/asked-filter.ts';
import { expectedChoice, type Wanted } from '../support/choice-oracle.ts';
import { unswept } from '../support/ledger.ts';
import { createTenant } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';
import { freeGpus, openFleet, shuffle } from '../support/tied-fleet.ts';

let service: TestService;
let client: Client;
beforeAll(async () => {
  // No sweep may hold a row for a moment: a claim would pass over it.
  service = await startService({ ...unswept, SWEEP_INTERVAL_MS: '3600000' });
  client = service.as((await createTenant(service)).key);
  await openFleet(service, [1, 4, 2, 4, 3, 2]);
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
        await shuffle(service.sql, seed);
        const made: string[] = [];
        for (const wanted of requests) {
          const expected = expectedChoice(await freeGpus(service.sql), wanted);
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
