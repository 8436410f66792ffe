import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import { Census } from '../../src/modules/allocations/census.ts';
import { Explainer, fits } from '../../src/modules/allocations/explain/explainer.ts';
import { createGpuCollection } from '../../src/modules/inventory/gpus/collection.ts';
import { bodyOfRequest, expectedExplain, requestOn } from '../support/explain-oracle.ts';
import { type KnownGpu, randomFleet } from '../support/gpu-fleet.ts';
import { openDatabase } from '../support/kernel.ts';
import { startService, type TestService } from '../support/service.ts';

const policy = { minVerificationLevel: 0 };
const catalogue = {
  resolve: () => 'uncatalogued',
  model: () => undefined,
  models: () => [],
  find: (text: string) => [text],
};
const collection = createGpuCollection(catalogue, policy);

let service: TestService;
let census: Census;
let explainer: Explainer;
let fleet: KnownGpu[];
beforeAll(async () => {
  service = await startService({ SWEEP_INTERVAL_MS: '3600000' });
  fleet = await randomFleet(service, 1000, 11, [7, 5, 3, 2, 2, 1, 1, 1, 1, 1]);
  census = new Census(openDatabase(service.database.url));
  explainer = new Explainer({
    census,
    log: pino({ level: 'silent' }),
    search: { collection, policy },
  });
});
afterAll(async () => {
  await census.close();
  await service.stop();
});

describe('explain', () => {
  it('counts what brute force counts, whatever the request', async () => {
    await fc.assert(
      fc.asyncProperty(requestOn(fleet), async (asked) => {
        const { total, filters } = await explainer.explain(bodyOfRequest(asked));
        expect({ total, filters }).toEqual(expectedExplain(fleet, asked));
      }),
      { numRuns: 100 },
    );
  });

  it('offers changes with which the request fits, and counts what it then leaves', async () => {
    let offered = 0;
    await fc.assert(
      fc.asyncProperty(requestOn(fleet), async (asked) => {
        const body = bodyOfRequest(asked);
        const explained = await explainer.explain(body);
        if (fits(body, explained)) return expect(explained.relaxations).toEqual([]);
        for (const { filter, to, gpus } of explained.relaxations) {
          const relaxed = relaxedBy(body, filter, to);
          const { filters } = await explainer.explain(relaxed);
          expect([body, filter, to, filters.at(-1)?.remaining.gpus]).toEqual([body, filter, to, gpus]);
          expect(gpus).toBeGreaterThanOrEqual(body.count);
          offered += 1;
        }
      }),
      { numRuns: 200 },
    );
    expect(offered).toBeGreaterThan(30);
  });
});

type Body = ReturnType<typeof bodyOfRequest>;

function relaxedBy(body: Body, filter: string, to: unknown): Body {
  if (!(filter in body.filter)) return { ...body, [filter]: to };
  const { [filter]: _, ...others } = body.filter;
  return { ...body, filter: to === null ? others : { ...others, [filter]: to } };
}
