import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { ClaimService } from '../../src/modules/allocations/claims/service.ts';
import type { Explain } from '../../src/modules/allocations/explain/explainer.ts';
import { walkOf } from '../../src/modules/inventory/gpus/cheapest.ts';
import { createGpuCollection } from '../../src/modules/inventory/gpus/collection.ts';
import { openDatabase, requestOf, tenantOf } from '../support/kernel.ts';
import { createSweepers, type Sweepers } from '../support/ledger.ts';
import { openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';

const log = pino({ level: 'silent' });
const policy = { minVerificationLevel: 0 };
const catalogue = {
  resolve: () => 'uncatalogued',
  model: () => undefined,
  models: () => [],
  find: (text: string) => [text],
};
const one = { gpus: 1, nodes: 1, providers: 1 };
/** Says that a request of one GPU fits. */
const fitting: Explain = {
  total: one,
  filters: [{ filter: 'schedulable', value: true, removed: one, remaining: one, ifDropped: one }],
  relaxations: [],
  pairs: [],
  nearestMisses: [],
};

let service: TestService;
let db: ReturnType<typeof openDatabase>;
let sweepers: Sweepers;
let open: Awaited<ReturnType<typeof openNode>>;
beforeAll(async () => {
  service = await startService();
  open = await openNode(service, { gpus: 1 });
  db = openDatabase(service.database.url);
  sweepers = createSweepers(service);
});
afterAll(async () => {
  await Promise.all([db.close(), sweepers.close()]);
  await service.stop();
});

/** A service whose explanations are told by `explain`; with the claim of one GPU and how often it was explained. */
function claimOne(explain: () => Promise<Explain | null>) {
  const calls = { count: 0 };
  const claims = new ClaimService({
    db,
    expiry: sweepers.expiry,
    search: {
      filters: createGpuCollection(catalogue, policy).filters,
      walkOf: (filters) => walkOf(filters, catalogue.find),
    },
    policy,
    interruptions: { policy: 'release', graceS: 300 },
    explainer: {
      explainInTime: () => {
        calls.count += 1;
        return explain();
      },
    },
  });
  const claim = claims.create({ ...requestOf(tenantOf(open.tenant.id)), log }, { request: { count: 1 } });
  return { claim, calls };
}

describe('a claim that found nothing', () => {
  it('is refused with the explanation, or without one where it cannot be had', async () => {
    await service.as().post(`/v1/nodes/${open.node.id}/drain`).expect(200);
    const nothing = { ...fitting, filters: [] };
    await expect(claimOne(async () => nothing).claim).rejects.toMatchObject({
      code: 'allocation.no_capacity',
      members: { explain: nothing },
    });
    await expect(claimOne(async () => null).claim).rejects.toMatchObject({
      code: 'allocation.no_capacity',
      members: {},
    });
  });

  it('is given up where it finds nothing once more, whatever the explanation says', async () => {
    const { claim, calls } = claimOne(async () => fitting);
    await expect(claim).rejects.toMatchObject({ code: 'allocation.no_capacity' });
    expect(calls.count).toBe(2);
  });

  it('is tried once more where the explanation finds that it fits', async () => {
    const { claim, calls } = claimOne(async () => {
      const path = `/v1/nodes/${open.node.id}`;
      const { headers } = await service.as().get(path).expect(200);
      await service
        .as()
        .patch(path)
        .set('if-match', String(headers.etag))
        .send({ eligibility: 'eligible' })
        .expect(200);
      return fitting;
    });
    expect((await claim).gpus.map(({ gpuId }) => gpuId)).toEqual(open.gpuIds);
    expect(calls.count).toBe(1);
  });
});
