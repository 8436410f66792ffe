import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { disagreements } from '../support/agreement.ts';
import { gpuInput, putInventory } from '../support/gpu-inputs.ts';
import { createSweepers, quotaFaults, setDeadline, unswept } from '../support/ledger.ts';
import { createTenant, openNode, type TestTenant } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let open: Awaited<ReturnType<typeof openNode>>;
let gpuIds: string[];
let tenant: TestTenant;

/** Each GPU has 24,564 MiB and costs 250,000,000 nano-USD by the hour. */
const input = { specs: { memoryTotalMb: 24_564 }, pricePerHourNanoUsd: '250000000' };

beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(async () => {
  expect(await quotaFaults(service.sql)).toEqual([]);
  expect(await disagreements(service.sql)).toEqual([]);
  await service.stop();
});
beforeEach(async () => {
  open = await openNode(service, { gpus: 4, input });
  gpuIds = open.gpuIds;
});

describe('a claim beyond a quota', () => {
  it.each([
    [{ maxGpus: 2 }, {}, { quota: 'maxGpus', limit: 2, used: 1, asked: 2 }],
    [{ maxMemoryMb: 50_000 }, {}, { quota: 'maxMemoryMb', limit: 50_000, used: 24_564, asked: 49_128 }],
    [{ maxHeldGpus: 2 }, { holdTtlS: 60 }, { quota: 'maxHeldGpus', limit: 2, used: 1, asked: 2 }],
    [
      { maxPricePerHourNanoUsd: '600000000' },
      {},
      { quota: 'maxPricePerHourNanoUsd', limit: '600000000', used: '250000000', asked: '500000000' },
    ],
    [{ maxGpus: 2, maxMemoryMb: 1 }, {}, { quota: 'maxMemoryMb', limit: 1, used: 0, asked: 24_564 }],
  ])(
    'is refused with 409 and the quota, its limit, what is used and was asked: %j',
    async (quotas, how, refusal) => {
      tenant = await createTenant(service, quotas);
      if (refusal.used !== 0) await claim({ gpuIds: gpuIds.slice(0, 1), ...how }).expect(201);
      const wanted = refusal.used !== 0 ? gpuIds.slice(1, 3) : gpuIds.slice(0, 1);
      const { body } = await claim({ gpuIds: wanted, ...how }).expect(409);
      expect(body).toMatchObject({ code: 'allocation.quota_exceeded', ...refusal });
      expect(body.detail).toContain(refusal.quota);
      expect(await usedUnits(wanted)).toBe(0);
    },
  );

  it('by request is refused too, and takes nothing', async () => {
    tenant = await createTenant(service, { maxGpus: 1 });
    const request = { count: 2, filter: { nodeId: open.node.id } };
    const { body } = await claim({ request }).expect(409);
    expect(body).toMatchObject({ code: 'allocation.quota_exceeded', quota: 'maxGpus', used: 0, asked: 2 });
    expect(await usedUnits(gpuIds)).toBe(0);
    await claim({ request: { ...request, count: 1 } }).expect(201);
  });

  it('is refused by the database alone as well', async () => {
    tenant = await createTenant(service, { maxGpus: 1 });
    const { body } = await claim({ gpuIds: gpuIds.slice(0, 1) }).expect(201);
    const insert = service.sql.query(
      `INSERT INTO inventory.allocation_gpu (allocation_id, gpu_id, root_gpu_id, node_id, provider_id, units, root_units, exclusive)
       SELECT $1, s.gpu_id, s.gpu_id, s.node_id, s.provider_id, 1, 1, false FROM inventory.gpu_state s WHERE s.gpu_id = $2`,
      [body.id, gpuIds[1]],
    );
    await expect(insert).rejects.toMatchObject({ constraint: 'tenant_usage_quota_check' });
    const count = service.sql.query('UPDATE inventory.tenant_usage SET held_units = gpu_units + 1');
    await expect(count).rejects.toMatchObject({ constraint: 'tenant_usage_counts_check' });
  });

  it('ends first what is over but not yet swept', async () => {
    tenant = await createTenant(service, { maxGpus: 2 });
    const { body: hold } = await claim({ gpuIds: gpuIds.slice(0, 1), holdTtlS: 60 }).expect(201);
    const { body: job } = await claim({ gpuIds: gpuIds.slice(1, 2), durationS: 60 }).expect(201);
    await claim({ gpuIds: gpuIds.slice(2) }).expect(409);
    for (const { id } of [hold, job]) await setDeadline(service.sql, id, -1);
    expect((await getTenant()).usage).toMatchObject({ gpus: 0 });
    await claim({ gpuIds: gpuIds.slice(2) }).expect(201);
  });
});

describe('what counts', () => {
  it('shares count as their fraction, of memory and price too', async () => {
    tenant = await createTenant(service, { maxGpus: 1 });
    await claim({ gpuIds: gpuIds.slice(0, 3), share: 333 }).expect(201);
    expect((await getTenant()).usage).toEqual({
      gpus: 0.999,
      memoryMb: 3 * 8180,
      heldGpus: 0,
      pricePerHourNanoUsd: String(3 * 83_250_000),
    });
    const { body } = await claim({ gpuIds: gpuIds.slice(3), share: 2 }).expect(409);
    expect(body).toMatchObject({ limit: 1, used: 0.999, asked: 0.002 });
    await claim({ gpuIds: gpuIds.slice(3), share: 1 }).expect(201);
  });

  it('a confirmed hold is held no more, and used as before', async () => {
    tenant = await createTenant(service, { maxGpus: 2, maxHeldGpus: 1 });
    const { body: hold } = await claim({ gpuIds: gpuIds.slice(0, 1), holdTtlS: 60 }).expect(201);
    expect((await getTenant()).usage).toMatchObject({ gpus: 1, heldGpus: 1 });
    await claim({ gpuIds: gpuIds.slice(1, 2), holdTtlS: 60 }).expect(409);
    await act(hold.id, 'extend').expect(200);
    await act(hold.id, 'confirm').expect(200);
    expect((await getTenant()).usage).toMatchObject({ gpus: 1, heldGpus: 0 });
    await claim({ gpuIds: gpuIds.slice(1, 2), holdTtlS: 60 }).expect(201);
    await claim({ gpuIds: gpuIds.slice(2, 3) }).expect(409);
  });

  it('release, expiry and interruption give back in their own transaction', async () => {
    tenant = await createTenant(service, { maxGpus: 1 });
    const nothing = { gpus: 0, memoryMb: 0, heldGpus: 0, pricePerHourNanoUsd: '0' };
    const { body: released } = await claim({ gpuIds: gpuIds.slice(0, 1) }).expect(201);
    await act(released.id, 'release').expect(200);
    expect(await counted()).toEqual(nothing);

    const { body: expired } = await claim({ gpuIds: gpuIds.slice(0, 1), holdTtlS: 60 }).expect(201);
    await setDeadline(service.sql, expired.id, -1);
    const { expiry, close } = createSweepers(service);
    expect(await expiry.sweep()).toBe(1);
    await close();
    expect(await counted()).toEqual(nothing);

    const lost = gpuInput({ index: 9, ...input });
    const { body: diff } = await putInventory(service, open.node, {
      generation: 1,
      complete: false,
      gpus: [lost],
    }).expect(200);
    await claim({ gpuIds: diff.added }).expect(201);
    expect(await counted()).toMatchObject({ gpus: 1 });
    await putInventory(service, open.node, { generation: 2, gpus: [], confirmEmpty: true }).expect(200);
    expect(await counted()).toEqual(nothing);
  });
});

describe('quotas', () => {
  it('count what the tenant has when they are set for the first time', async () => {
    tenant = await createTenant(service);
    await claim({ gpuIds: gpuIds.slice(0, 2) }).expect(201);
    await claim({ gpuIds: gpuIds.slice(2, 3), holdTtlS: 60 }).expect(201);
    await setQuotas({ maxGpus: 3 });
    const { body } = await claim({ gpuIds: gpuIds.slice(3) }).expect(409);
    expect(body).toMatchObject({ limit: 3, used: 3, asked: 1 });
  });

  it('below what is used take nothing away, refuse what would add, and let everything else be', async () => {
    tenant = await createTenant(service, { maxGpus: 4, maxHeldGpus: 4 });
    const { body: hold } = await claim({ gpuIds: gpuIds.slice(0, 2), holdTtlS: 60 }).expect(201);
    const { body: other } = await claim({ gpuIds: gpuIds.slice(2, 3), holdTtlS: 60 }).expect(201);
    const { usage } = await setQuotas({ maxGpus: 1, maxHeldGpus: 0 });
    expect(usage).toMatchObject({ gpus: 3, heldGpus: 3 });
    await act(hold.id, 'extend').expect(200);
    await act(hold.id, 'confirm').expect(200);
    expect((await claim({ gpuIds: gpuIds.slice(3) }).expect(409)).body).toMatchObject({ limit: 1, used: 3 });
    await act(other.id, 'release').expect(200);
    await act(hold.id, 'release').expect(200);
    await claim({ gpuIds: gpuIds.slice(3) }).expect(201);
  });

  it('that are taken back limit nothing, and count anew when they return', async () => {
    tenant = await createTenant(service, { maxGpus: 1 });
    const { body } = await claim({ gpuIds: gpuIds.slice(0, 1) }).expect(201);
    await setQuotas(null);
    await claim({ gpuIds: gpuIds.slice(1, 3) }).expect(201);
    await act(body.id, 'release').expect(200);
    await setQuotas({ maxGpus: 2 });
    expect((await claim({ gpuIds: gpuIds.slice(3) }).expect(409)).body).toMatchObject({ limit: 2, used: 2 });
    expect(await setQuotas({ maxGpus: null })).toMatchObject({ quotas: {} });
    await claim({ gpuIds: gpuIds.slice(3) }).expect(201);
  });
});

describe('usage', () => {
  it('is shown to operators with the tenant, and to the tenant with its key, whose version it does not move', async () => {
    tenant = await createTenant(service);
    const { body: before, headers } = await service.as().get(`/v1/tenants/${tenant.id}`).expect(200);
    expect(before).toMatchObject({ quotas: null, usage: { gpus: 0, pricePerHourNanoUsd: '0' } });
    await claim({ gpuIds, holdTtlS: 60 }).expect(201);
    const usage = { gpus: 4, memoryMb: 4 * 24_564, heldGpus: 4, pricePerHourNanoUsd: '1000000000' };
    const after = await service.as().get(`/v1/tenants/${tenant.id}`).expect(200);
    expect(after.body).toEqual({ ...before, usage });
    expect(after.headers.etag).toBe(headers.etag);
    const { body: list } = await service.as().get('/v1/tenants?limit=500').expect(200);
    expect(list.items.find(({ id }: TestTenant) => id === tenant.id)).toMatchObject({ usage });
    const { body: self } = await service.as(tenant.key).get('/v1/whoami').expect(200);
    expect(self.tenant).toEqual({ name: 'Tenant', quotas: null, usage });
    await service.as(tenant.key).get(`/v1/tenants/${tenant.id}`).expect(403);
    expect((await service.as().get('/v1/whoami').expect(200)).body.tenant).toBeNull();
  });
});

const claim = (body: object) => service.as(tenant.key).post('/v1/allocations').send(body);
const act = (id: string, action: string) => service.as(tenant.key).post(`/v1/allocations/${id}/${action}`);

async function getTenant() {
  const { body } = await service.as().get(`/v1/tenants/${tenant.id}`).expect(200);
  return body;
}

async function setQuotas(quotas: object | null) {
  const { body } = await service
    .as()
    .patch(`/v1/tenants/${tenant.id}`)
    .set('if-match', '*')
    .send({ quotas })
    .expect(200);
  return body;
}

/** What the quotas' own counters say, in the words of the API. */
async function counted(): Promise<object> {
  const { rows } = await service.sql.query(
    `SELECT gpu_units::float / 1000 AS gpus, memory_mb::int AS "memoryMb", held_units::float / 1000 AS "heldGpus",
            price_per_hour_nano_usd::text AS "pricePerHourNanoUsd" FROM inventory.tenant_usage WHERE tenant_id = $1`,
    [tenant.id],
  );
  return rows[0];
}

async function usedUnits(ids: string[]): Promise<number> {
  const { rows } = await service.sql.query(
    'SELECT sum(used_units)::int AS used FROM inventory.gpu_state WHERE gpu_id = ANY($1)',
    [ids],
  );
  return rows[0].used;
}
