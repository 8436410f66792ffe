import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { askedFilter } from '../support/asked-filter.ts';
import { type Asked, expectedCandidates } from '../support/candidate-oracle.ts';
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
  await openFleet(service, [1, 4, 2, 3, 2]);
});
afterAll(() => service.stop());

const maybe = fc.option(fc.boolean(), { nil: undefined });
const objective = fc.constantFrom<Asked['objective']>('cheapest', 'best_fit', 'most_reliable', 'spread');
const filter = askedFilter;
const flags = { sameNode: maybe, sameModel: maybe, distinctProviders: maybe };
const simple = fc.record({ count: fc.constantFrom(1, 2, 3, 4), ...flags, filter, objective });
const grouped = fc.record({
  groups: fc.array(
    fc.record({
      count: fc.constantFrom(1, 1, 2),
      ...flags,
      filter: fc.oneof(fc.constant({ minMemoryMb: 1 }), filter),
      excludeWarnings: maybe,
    }),
    {
      minLength: 1,
      maxLength: 3,
    },
  ),
  sameNode: maybe,
  sameModel: maybe,
  filter: fc.option(filter, { nil: undefined }),
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
        await shuffle(service.sql, seed);
        const expected = expectedCandidates(await freeGpus(service.sql), asked, limit);
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
        await shuffle(service.sql, seed);
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
