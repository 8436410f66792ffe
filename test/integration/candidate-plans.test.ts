import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { planOf } from '../../src/modules/allocations/candidates/plan.ts';
import { supplySql } from '../../src/modules/allocations/candidates/supply.ts';
import { isFree } from '../../src/modules/allocations/claims/room.ts';
import { walkOf } from '../../src/modules/inventory/gpus/cheapest.ts';
import { gpuScope } from '../support/gpu-scope.ts';
import { manyGpus } from '../support/many-gpus.ts';
import { indexOnlyScans, planOf as planOfStatement } from '../support/plan-of.ts';
import { startService, type TestService } from '../support/service.ts';

const { collection, find, policy } = gpuScope;
const search = {
  filters: collection.filters,
  walkOf: (filters: Parameters<typeof walkOf>[0]) => walkOf(filters, find),
};
const free = isFree({ holdTtlS: null, durationS: null }, policy);

let service: TestService;
beforeAll(async () => {
  service = await startService();
  await manyGpus(service.sql, 20_000);
});
afterAll(() => service.stop());

it.each([
  [
    'model and region',
    { count: 1, filter: { modelId: { in: ['model-1', 'model-11'] }, regions: ['r1'] } },
    'cheapest_model_region',
  ],
  ['model', { count: 2, filter: { model: 'model-3', minMemoryMb: 1 } }, 'cheapest_model'],
  ['region', { count: 2, filter: { regions: ['r1', 'r2'], vendor: 'nvidia' } }, 'cheapest_region'],
  ['memory and price', { count: 2, filter: { minMemoryMb: 1, maxPricePerHourNanoUsd: '500' } }, 'cheapest'],
  ['the cheapest of one model', { count: 4, sameModel: true }, 'cheapest_model'],
  ['the emptiest node', { count: 2, objective: 'spread' as const }, 'free_by_node'],
  ['the fullest node', { count: 2, objective: 'best_fit' as const }, 'free_by_node'],
])('looks for GPUs by %s along an index that tells all of it', async (_what, request, index) => {
  const plan = planOf(search, request, '', free);
  const found = await planOfStatement(service.sql, supplySql(plan, { limit: 10, depth: 64 }));
  expect(indexOnlyScans(found)).toContain(`gpu_state_${index}_idx`);
  expect(found['Shared Hit Blocks'] + found['Shared Read Blocks']).toBeLessThan(12_000);
});
