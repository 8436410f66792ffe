import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ListRequest } from '../../src/kernel/db/list.ts';
import { readSortValues, type SortValues } from '../../src/kernel/http/keyset.ts';
import { searchSql } from '../../src/modules/inventory/gpus/search.ts';
import { type KnownGpu, randomFleet } from '../support/gpu-fleet.ts';
import { conditionOn, queryOf } from '../support/gpu-oracle.ts';
import { gpuRequest, gpuScope } from '../support/gpu-scope.ts';
import { manyGpus } from '../support/many-gpus.ts';
import { indexOnlyScans, planOf } from '../support/plan-of.ts';
import { startService, type TestService } from '../support/service.ts';

const cheapest = { schedulable: 'true', isAllocated: 'false', sort: 'pricePerHourNanoUsd' };

let service: TestService;
let fleet: KnownGpu[];
beforeAll(async () => {
  service = await startService();
  fleet = await randomFleet(service, 150, 7);
  await service.sql.query('UPDATE inventory.gpu_state SET blocks = 0 WHERE blocks IN (128, 256)');
});
afterAll(() => service.stop());

interface Found {
  id: string;
  sort_values: string;
}

async function search(request: ListRequest, plain: boolean): Promise<Found[]> {
  const { text, values } = searchSql(request, { ...gpuScope, plain });
  return (await service.sql.query<Found>(text, values)).rows;
}

describe('the search for the cheapest free GPUs', () => {
  it('finds by its short cuts what the plain search finds, page by page', async () => {
    const query = fc.record({
      conditions: fc.array(conditionOn(fleet), { maxLength: 2 }),
      free: fc.constantFrom({ isAllocated: 'false' }, { allocationState: 'free' }),
      models: fc.subarray([...new Set(fleet.map(({ modelId }) => String(modelId)))]),
      regions: fc.subarray(['eu', 'us-east', 'ap.1']),
      vendors: fc.subarray(['nvidia', 'amd', 'intel']),
      dearest: fc.option(
        fc.record({
          operator: fc.constantFrom('', '.lt', '.lte', '.in'),
          price: fc.constantFrom('0', '250000000', '9223372036854775807'),
        }),
      ),
      limit: fc.integer({ min: 3, max: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(query, async (given) => {
        const { conditions, free, models, regions, vendors, dearest, limit } = given;
        const request = gpuRequest({
          ...(dearest && { [`pricePerHourNanoUsd${dearest.operator}`]: dearest.price }),
          ...queryOf(conditions),
          ...free,
          schedulable: 'true',
          sort: 'pricePerHourNanoUsd',
          limit,
          ...(models.length > 0 && { 'model.in': models.join() }),
          ...(regions.length > 0 && { regions: regions.join() }),
          ...(vendors.length > 0 && { 'vendor.in': vendors.join() }),
        });
        let after: SortValues | null = null;
        for (let page = 0; page < 3; page++) {
          const asked: ListRequest = { ...request, after };
          const expected = await search(asked, true);
          const found = await search(asked, false);
          expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
          const last = expected[limit - 1];
          if (!last) break;
          after = readSortValues(last.sort_values);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('reads no more than the pages that it needs, by the index alone, however many GPUs there are', async () => {
    await manyGpus(service.sql, 20_000);
    const narrow = { ...cheapest, 'model.in': 'model-1,model-2', regions: 'r1,r2', 'memoryTotalMb.gte': '1' };
    const queries: [Record<string, string>, string][] = [
      [narrow, 'gpu_state_cheapest_model_region_idx'],
      [{ ...cheapest, model: 'model-3' }, 'gpu_state_cheapest_model_idx'],
      [
        { ...cheapest, regions: 'r1,r2', vendor: 'nvidia', 'cudaVersion.gte': '12' },
        'gpu_state_cheapest_region_idx',
      ],
      [{ ...cheapest, vendor: 'nvidia', minReputation: '0.5' }, 'gpu_state_cheapest_vendor_idx'],
      [{ ...cheapest, minMemoryMb: '1', maxPricePerHourNanoUsd: '500' }, 'gpu_state_cheapest_idx'],
    ];
    for (const [query, index] of queries) {
      const plan = await planOf(service.sql, searchSql(gpuRequest(query), gpuScope));
      expect(indexOnlyScans(plan)).toContain(index);
      expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(2_000);
    }
  });
});
