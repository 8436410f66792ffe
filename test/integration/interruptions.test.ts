import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { disagreements } from '../support/agreement.ts';
import { changesAfter, lastChange } from '../support/changes.ts';
import { createNode, type TestNode } from '../support/fleet.ts';
import { gpuInputs, putInventory } from '../support/gpu-inputs.ts';
import { createSweepers, type Sweepers, unswept } from '../support/ledger.ts';
import { createTenant, openNode, type TestTenant } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';
import { createSweeper, miss, type TestSweeper } from '../support/sweeping.ts';

let service: TestService;
let sweepers: Sweepers;
let silence: TestSweeper;
let breaker: TestSweeper;

/** A node that an agent describes, one GPU of it in use. */
interface Use {
  node: TestNode;
  gpuIds: string[];
  inputs: ReturnType<typeof gpuInputs>;
  tenant: TestTenant;
}

beforeAll(async () => {
  service = await startService({ ...unswept, SWEEP_INTERVAL_MS: '3600000', INTERRUPTION_GRACE_S: '120' });
  sweepers = createSweepers(service);
  silence = createSweeper(service, { breakerMinNodes: 1_000_000 });
  breaker = createSweeper(service);
});
afterAll(async () => {
  await Promise.all([sweepers.close(), silence.close(), breaker.close()]);
  await service.stop();
});
afterEach(async () => {
  expect(await disagreements(service.sql)).toEqual([]);
});

describe('a request for an allocation', () => {
  it('gets the policy of the settings, or its own, 201', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 3 });
    const make = async (place: number, more: object) =>
      (await claim(tenant, { gpuIds: [gpuIds[place]], ...more }).expect(201)).body;
    expect(await make(0, {})).toMatchObject({ onInterruption: 'release', graceS: null });
    expect(await make(1, { onInterruption: 'grace' })).toMatchObject({
      onInterruption: 'grace',
      graceS: 120,
    });
    expect(await make(2, { onInterruption: 'grace', graceS: 7 })).toMatchObject({ graceS: 7 });
  });

  it('has no grace without that policy, 400', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 1 });
    for (const more of [{ graceS: 7 }, { graceS: 7, onInterruption: 'keep' }]) {
      const { body } = await claim(tenant, { gpuIds, ...more }).expect(400);
      expect(body.errors).toEqual([{ pointer: '/graceS', detail: 'goes with `onInterruption: grace`' }]);
    }
  });
});

describe('a node that goes offline', () => {
  it('interrupts under `release`: it reads so from the same commit on, and is swept once', async () => {
    const use = await inUse();
    const job = await start(use, { onInterruption: 'release' });
    await fallSilent(use.node);
    const read = await get(use, job.id);
    expect(read).toMatchObject({ state: 'interrupted', endReason: 'node_offline', version: 2 });
    expect(read.billingStoppedAt).toBe(read.releasedAt);
    const before = await lastChange(service.sql);
    expect(await sweepers.expiry.sweep()).toBe(1);
    expect(await sweepers.expiry.sweep()).toBe(0);
    expect((await changesAfter(service.sql, before)).sort()).toEqual([
      'allocation.interrupted',
      'gpu.released',
    ]);
    expect(await get(use, job.id)).toEqual({
      ...read,
      version: 3,
      interruptAt: null,
      updatedAt: expect.any(String),
    });
  });

  it('stops the billing under `grace`, and interrupts when the grace is over', async () => {
    const use = await inUse();
    const job = await start(use, { onInterruption: 'grace', graceS: 60 });
    await fallSilent(use.node);
    const impaired = await get(use, job.id);
    expect(impaired).toMatchObject({ state: 'active', impairedBy: 'node_offline', version: 2 });
    expect(Date.parse(impaired.interruptAt) - Date.parse(impaired.billingStoppedAt)).toBe(60_000);
    expect(await sweepers.expiry.sweep()).toBe(0);
    await service.sql.query(
      `UPDATE inventory.allocation SET interrupt_at = clock_timestamp() WHERE id = $1`,
      [job.id],
    );
    expect(await sweepers.expiry.sweep()).toBe(1);
    expect(await get(use, job.id)).toMatchObject({
      state: 'interrupted',
      endReason: 'node_offline',
      billingStoppedAt: impaired.billingStoppedAt,
      interruptAt: null,
    });
  });

  it.each(['grace', 'keep'])(
    'that comes back in time lets it go on under `%s`, and billing with it',
    async (policy) => {
      const use = await inUse();
      const job = await start(use, { onInterruption: policy });
      const before = await lastChange(service.sql);
      await fallSilent(use.node);
      await beat(use.node, 2);
      expect(await get(use, job.id)).toEqual({ ...job, version: 3, updatedAt: expect.any(String) });
      const changes = await changesAfter(service.sql, before);
      expect(changes.filter((type) => type.startsWith('allocation.'))).toEqual([
        'allocation.impaired',
        'allocation.recovered',
      ]);
    },
  );

  it('is waited for without end under `keep`, until the tenant releases: billed up to the silence', async () => {
    const use = await inUse();
    const job = await start(use, { onInterruption: 'keep' });
    await fallSilent(use.node);
    const impaired = await get(use, job.id);
    expect(impaired).toMatchObject({ state: 'active', interruptAt: null });
    expect(await sweepers.expiry.sweep()).toBe(0);
    const { body } = await service.as(use.tenant.key).post(`/v1/allocations/${job.id}/release`).expect(200);
    expect(body).toMatchObject({ state: 'released', billingStoppedAt: impaired.billingStoppedAt });
    expect(Date.parse(body.billingStoppedAt)).toBeLessThan(Date.parse(body.releasedAt));
  });

  it('of two that an allocation needs is not enough when it comes back alone', async () => {
    const [first, second] = [await inUse(), await inUse()];
    const gpuIds = [first.gpuIds[0], second.gpuIds[0]];
    const { body: job } = await claim(first.tenant, { gpuIds, onInterruption: 'keep' }).expect(201);
    await fallSilent(first.node, second.node);
    await beat(first.node, 2);
    expect(await get(first, job.id)).toMatchObject({ impairedBy: 'node_offline', version: 2 });
    await beat(second.node, 2);
    expect(await get(first, job.id)).toMatchObject({ impairedBy: null, billingStoppedAt: null, version: 3 });
  });

  it('of two that come back at once lets it go on, whoever commits first', async () => {
    for (let round = 0; round < 5; round++) {
      const [first, second] = [await inUse(), await inUse()];
      const gpuIds = [first.gpuIds[0], second.gpuIds[0]];
      const { body: job } = await claim(first.tenant, { gpuIds, onInterruption: 'keep' }).expect(201);
      await fallSilent(first.node, second.node);
      // With keys they are transactions of their own.
      await Promise.all([first, second].map(({ node }) => beat(node, 2, `back-${node.id}`)));
      expect(await get(first, job.id)).toMatchObject({ impairedBy: null, version: 3 });
    }
  });

  it('and its tenant hears of it: the change has the tenant', async () => {
    const use = await inUse();
    const job = await start(use, { onInterruption: 'keep' });
    await fallSilent(use.node);
    const { rows } = await service.sql.query(
      `SELECT tenant_id, diff -> 'after' ->> 'impairedBy' AS cause FROM inventory.change
        WHERE type = 'allocation.impaired' AND subject_id = $1`,
      [job.id],
    );
    expect(rows).toEqual([{ tenant_id: use.tenant.id, cause: 'node_offline' }]);
  });
});

describe('nodes that all expire at once', () => {
  it('leave allocations alone, whatever their policy', async () => {
    const uses = [await inUse(), await inUse(), await inUse(), await inUse()];
    const jobs = [];
    for (const [place, use] of uses.entries())
      jobs.push(await start(use, { onInterruption: place % 2 ? 'release' : 'grace' }));
    await service.sql.query('DELETE FROM inventory.node_heartbeat WHERE node_id <> ALL($1::uuid[])', [
      uses.map(({ node }) => node.id),
    ]);
    await miss(
      service,
      uses.map(({ node }) => node),
      60,
    );
    await breaker.sweep();
    await breaker.sweep();
    const { body: node } = await service.as().get(`/v1/nodes/${uses[0]?.node.id}`).expect(200);
    expect(node.liveness).toBe('unknown');
    for (const [place, use] of uses.entries()) expect(await get(use, jobs[place].id)).toEqual(jobs[place]);
  });
});

describe('a GPU that an agent misses', () => {
  it('interrupts under `release` in the request that reports it', async () => {
    const use = await inUse();
    const job = await start(use, {});
    await putInventory(service, use.node, { generation: 2, gpus: use.inputs.slice(1) }).expect(200);
    const read = await get(use, job.id);
    expect(read).toMatchObject({ state: 'interrupted', endReason: 'gpu_lost', version: 2 });
    expect(read.billingStoppedAt).toBe(read.releasedAt);
  });

  it('stops the billing under `grace` and `keep` until it returns', async () => {
    const use = await inUse();
    const job = await start(use, { onInterruption: 'keep' });
    await putInventory(service, use.node, { generation: 2, gpus: use.inputs.slice(1) }).expect(200);
    expect(await get(use, job.id)).toMatchObject({ state: 'active', impairedBy: 'gpu_lost', version: 2 });
    await putInventory(service, use.node, { generation: 3, gpus: use.inputs }).expect(200);
    expect(await get(use, job.id)).toMatchObject({ impairedBy: null, billingStoppedAt: null, version: 3 });
  });

  it('is not back while it is on another node', async () => {
    const use = await inUse();
    const other = await inUse(use.node.providerId);
    const job = await start(use, { onInterruption: 'keep' });
    const [moved, ...rest] = use.inputs;
    await putInventory(service, use.node, { generation: 2, gpus: rest }).expect(200);
    await putInventory(service, other.node, {
      generation: 2,
      gpus: [...other.inputs, moved as object],
    }).expect(200);
    expect(await get(use, job.id)).toMatchObject({ impairedBy: 'gpu_lost', version: 2 });
    await putInventory(service, use.node, { generation: 3, gpus: use.inputs }).expect(200);
    expect(await get(use, job.id)).toMatchObject({ impairedBy: null, version: 3 });
  });

  it('cannot be declared away while it is in use, 409 naming the allocation', async () => {
    const use = await inUse();
    const job = await start(use, { onInterruption: 'keep' });
    const fewer = { generation: 2, gpus: use.inputs.slice(1) };
    const operator = (await service.as().post('/v1/api-keys').send({ name: 'o', role: 'operator' })).body.key;
    const { body } = await putInventory(service, use.node, fewer, operator).expect(409);
    expect(body).toMatchObject({
      code: 'inventory.gpus_allocated',
      allocations: [{ allocationId: job.id, gpuId: use.gpuIds[0] }],
    });
    expect(await get(use, job.id)).toEqual(job);
  });
});

/** A node with two GPUs that its agent has reported, and a tenant. */
async function inUse(providerId?: string): Promise<Use> {
  const node = await createNode(service, providerId);
  const inputs = gpuInputs(2);
  const { body } = await putInventory(service, node, { generation: 1, gpus: inputs }).expect(200);
  await beat(node, 1);
  return { node, tenant: await createTenant(service), inputs, gpuIds: body.added };
}

const claim = (tenant: TestTenant, body: object) => service.as(tenant.key).post('/v1/allocations').send(body);

/** An allocation of the first of its GPUs. */
const start = async ({ tenant, gpuIds }: Use, more: object) =>
  (await claim(tenant, { gpuIds: gpuIds.slice(0, 1), ...more }).expect(201)).body;

const get = async ({ tenant }: Use, id: string) =>
  (await service.as(tenant.key).get(`/v1/allocations/${id}`).expect(200)).body;

async function fallSilent(...nodes: TestNode[]): Promise<void> {
  await miss(service, nodes, 60);
  await silence.sweep();
  await silence.sweep();
}

const beat = (node: TestNode, sequence: number, key?: string) =>
  service
    .as(node.key)
    .post('/v1/heartbeats')
    .set(key ? { 'idempotency-key': key } : {})
    .send({ nodeId: node.id, sequence, status: 'healthy' })
    .expect(202);
