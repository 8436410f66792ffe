import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { disagreements } from '../support/agreement.ts';
import { changesAfter, lastChange } from '../support/changes.ts';
import { createNode, type TestNode } from '../support/fleet.ts';
import { getGpu, gpuInputs, putInventory } from '../support/gpu-inputs.ts';
import { createSweepers, type Sweepers, unswept } from '../support/ledger.ts';
import { createTenant, type TestTenant } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';
import { createSweeper, miss } from '../support/sweeping.ts';

let service: TestService;
let sweepers: Sweepers;
let node: TestNode;
let tenant: TestTenant;
let inputs: ReturnType<typeof gpuInputs>;
let gpuIds: [string, string];

beforeAll(async () => {
  service = await startService({ ...unswept, CLEANING_REQUIRED: 'true', SWEEP_INTERVAL_MS: '3600000' });
  sweepers = createSweepers(service, { required: true, timeoutS: 900 });
});
afterAll(async () => {
  await sweepers.close();
  await service.stop();
});
beforeEach(async () => {
  node = await createNode(service);
  tenant = await createTenant(service);
  inputs = gpuInputs(2);
  gpuIds = (await putInventory(service, node, { generation: 1, gpus: inputs }).expect(200)).body.added;
  await beat(1);
});
afterEach(async () => {
  expect(await disagreements(service.sql)).toEqual([]);
  expect(await gateFaults()).toEqual([]);
});

describe('a GPU that is given back after use', () => {
  it('is cleaned before anybody can claim it again, and says so', async () => {
    const id = await used();
    const gpu = await getGpu(service, gpuIds[0]);
    expect(gpu).toMatchObject({
      allocationState: 'cleaning',
      isAllocated: false,
      schedulable: false,
      unschedulableReasons: ['gpu_cleaning'],
      version: 3,
    });
    const { body } = await claim([0]).expect(409);
    expect(body).toMatchObject({
      code: 'gpu.unschedulable',
      gpus: [{ gpuId: gpuIds[0], reasons: ['gpu_cleaning'] }],
    });
    const request = { count: 2, filter: { nodeId: node.id } };
    expect((await as(tenant.key).post('/v1/allocations').send({ request }).expect(409)).body.code).toBe(
      'allocation.no_capacity',
    );
    const { rows } = await service.sql.query(
      `SELECT diff -> 'after' ->> 'allocationState' AS state FROM inventory.change
        WHERE type = 'gpu.released' AND subject_id = $1`,
      [gpuIds[0]],
    );
    expect(rows).toEqual([{ state: 'cleaning' }]);
    const { body: cleaning } = await as(node.key).get(`/v1/gpus/${gpuIds[0]}/cleaning`).expect(200);
    expect(cleaning).toEqual({
      gpuId: gpuIds[0],
      leftovers: [{ allocationId: id, since: expect.any(String), deadlineAt: expect.any(String) }],
    });
    const { since, deadlineAt } = cleaning.leftovers[0];
    expect(Date.parse(deadlineAt) - Date.parse(since)).toBe(900_000);
  });

  it('is free once the agent of its node has cleaned it, 200, with one change', async () => {
    const id = await used();
    const before = await lastChange(service.sql);
    await report({ allocationId: id }).expect(200, { gpuId: gpuIds[0], leftovers: [] });
    expect(await getGpu(service, gpuIds[0])).toMatchObject({
      allocationState: 'free',
      schedulable: true,
      version: 4,
    });
    expect(await changesAfter(service.sql, before)).toEqual(['gpu.cleaned']);
    await claim([0]).expect(201);
  });

  it('is not opened by the report of an earlier use, 409', async () => {
    const first = await used();
    await report({ allocationId: first }).expect(200);
    const second = await used();
    for (const allocationId of [first, tenant.id]) {
      expect((await report({ allocationId }).expect(409)).body.code).toBe('gpu.not_cleaning');
    }
    expect((await getGpu(service, gpuIds[0])).allocationState).toBe('cleaning');
    await report({ allocationId: second }).expect(200);
    await report({ allocationId: second }).expect(409);
  });

  it('needs a report for each share that was used', async () => {
    const [a, b] = [await used({ share: 300 }), await opened({ share: 300 })];
    expect(b).toBe('409 gpu.unschedulable');
    await report({ allocationId: a }).expect(200);
    const shares = [];
    for (const share of [200, 300]) shares.push((await claim([0], { share }).expect(201)).body.id);
    for (const id of shares) await release(id);
    const { body: rest } = await report({ allocationId: shares[1] }).expect(200);
    expect(rest.leftovers).toMatchObject([{ allocationId: shares[0] }]);
    expect(await getGpu(service, gpuIds[0])).toMatchObject({ allocationState: 'cleaning' });
    await report({ allocationId: shares[0] }).expect(200);
    expect(await getGpu(service, gpuIds[0])).toMatchObject({ allocationState: 'free', schedulable: true });
  });

  it('is cleaned after every end: duration, loss, drain', async () => {
    const { body: timed } = await claim([0], { durationS: 60 }).expect(201);
    await service.sql.query(`UPDATE inventory.allocation SET expires_at = clock_timestamp() WHERE id = $1`, [
      timed.id,
    ]);
    expect(await sweepers.expiry.sweep()).toBe(1);
    expect((await getGpu(service, gpuIds[0])).allocationState).toBe('cleaning');
    await claim([1]).expect(201);
    await putInventory(service, node, { generation: 2, gpus: inputs.slice(0, 1) }).expect(200);
    expect((await getGpu(service, gpuIds[1])).unschedulableReasons).toEqual(['gpu_missing', 'gpu_cleaning']);
    await report({ allocationId: timed.id }).expect(200);
    await claim([0]).expect(201);
    await service.as().post(`/v1/nodes/${node.id}/drain`).send({ deadlineS: 0 }).expect(200);
    expect(await sweepers.drain.sweep()).toBe(1);
    expect((await getGpu(service, gpuIds[0])).allocationState).toBe('cleaning');
  });

  it('needs no cleaning where nobody used it: a hold that was never confirmed', async () => {
    const { body } = await claim([0], { holdTtlS: 60 }).expect(201);
    await release(body.id);
    expect(await getGpu(service, gpuIds[0])).toMatchObject({ allocationState: 'free', schedulable: true });
  });

  it('needs none where its node says so, whatever holds for others', async () => {
    await patchNode({ cleaningRequired: false }).expect(200);
    await used();
    expect((await getGpu(service, gpuIds[0])).allocationState).toBe('free');
    expect((await patchNode({ cleaningRequired: null }).expect(200)).body.cleaningRequired).toBeNull();
    await used();
    expect((await getGpu(service, gpuIds[0])).allocationState).toBe('cleaning');
  });
});

describe('a report', () => {
  it('of an agent names the allocation, 400', async () => {
    await used();
    const { body } = await report({ reason: 'all of it' }).expect(400);
    expect(body.errors).toEqual([{ pointer: '/allocationId', detail: 'is required' }]);
  });

  it('of another agent is about no GPU of its own, 404; of a tenant or provider not its business, 403', async () => {
    const allocationId = await used();
    const stranger = await createNode(service);
    await report({ allocationId }, stranger.key).expect(404);
    await as(stranger.key).get(`/v1/gpus/${gpuIds[0]}/cleaning`).expect(404);
    await report({ allocationId }, tenant.key).expect(403);
    expect((await getGpu(service, gpuIds[0])).allocationState).toBe('cleaning');
  });

  it('of an operator vouches for the whole GPU, and says why', async () => {
    await used();
    expect((await report({}, null).expect(400)).body.errors[0].pointer).toBe('/reason');
    await report({ reason: 'wiped by hand' }, null).expect(200);
    const { rows } = await service.sql.query(
      `SELECT actor_type, reason FROM inventory.change WHERE type = 'gpu.cleaned' AND subject_id = $1`,
      [gpuIds[0]],
    );
    expect(rows).toEqual([{ actor_type: 'operator', reason: 'wiped by hand' }]);
    await claim([0]).expect(201);
  });

  it('that it failed quarantines the GPU at once, until an operator clears it', async () => {
    const allocationId = await used();
    await report({ allocationId, outcome: 'failed' }).expect(200, { gpuId: gpuIds[0], leftovers: [] });
    expect(await getGpu(service, gpuIds[0])).toMatchObject({
      allocationState: 'free',
      unschedulableReasons: ['gpu_quarantined'],
    });
    expect((await report({ allocationId }).expect(409)).body.code).toBe('gpu.not_cleaning');
    await clear(node.key).expect(403);
    expect((await clear().expect(200)).body).toMatchObject({ schedulable: true, version: 5 });
    expect((await clear().expect(200)).body.version).toBe(5);
    await claim([0]).expect(201);
  });
});

describe('cleaning that nobody reports', () => {
  it('ends in quarantine at its deadline, once, and never in reuse', async () => {
    const allocationId = await used();
    expect(await sweepers.cleaning.sweep()).toBe(0);
    await overdue();
    const before = await lastChange(service.sql);
    expect(await sweepers.cleaning.sweep()).toBe(1);
    expect(await sweepers.cleaning.sweep()).toBe(0);
    expect(await changesAfter(service.sql, before)).toEqual(['gpu.quarantined']);
    expect((await claim([0]).expect(409)).body.gpus[0].reasons).toEqual(['gpu_quarantined']);
    await report({ allocationId }).expect(409);
    await clear().expect(200);
    await claim([0]).expect(201);
  });

  it('waits for a node that is silent, and gives it the whole time when it is back', async () => {
    await used();
    const silence = createSweeper(service, { breakerMinNodes: 1_000_000 });
    await miss(service, [node], 60);
    await silence.sweep();
    await silence.sweep();
    await silence.close();
    await overdue();
    expect(await sweepers.cleaning.sweep()).toBe(0);
    await beat(2);
    expect(await sweepers.cleaning.sweep()).toBe(0);
    expect(await getGpu(service, gpuIds[0])).toMatchObject({ allocationState: 'cleaning' });
    await overdue();
    expect(await sweepers.cleaning.sweep()).toBe(1);
  });

  it('waits for a GPU that is missing, too', async () => {
    await used();
    await putInventory(service, node, { generation: 2, gpus: inputs.slice(1) }).expect(200);
    await overdue();
    expect(await sweepers.cleaning.sweep()).toBe(0);
    await putInventory(service, node, { generation: 3, gpus: inputs }).expect(200);
    expect(await sweepers.cleaning.sweep()).toBe(0);
  });

  it('is either reported or given up, never both, while two replicas sweep', async () => {
    const other = createSweepers(service);
    for (let round = 0; round < 5; round++) {
      const allocationId = await used();
      await overdue();
      const before = await lastChange(service.sql);
      const [reported, ...swept] = await Promise.all([
        report({ allocationId }),
        sweepers.cleaning.sweep(),
        other.cleaning.sweep(),
      ]);
      const given = swept.reduce((sum, count) => sum + count, 0);
      expect([reported.status, given]).toEqual(reported.status === 200 ? [200, 0] : [409, 1]);
      expect(await changesAfter(service.sql, before)).toEqual([given ? 'gpu.quarantined' : 'gpu.cleaned']);
      await clear().expect(200);
    }
    await other.close();
  });
});

const as = (key: string | null) => service.as(key ?? undefined);

const claim = (places: number[], more: object = {}) =>
  as(tenant.key)
    .post('/v1/allocations')
    .send({ gpuIds: places.map((place) => gpuIds[place]), ...more });

const release = (id: string) => as(tenant.key).post(`/v1/allocations/${id}/release`).expect(200);

/** The id of an allocation of the first GPU that was used and is over. */
async function used(more: object = {}): Promise<string> {
  const { body } = await claim([0], more).expect(201);
  await release(body.id);
  return body.id;
}

const opened = async (more: object): Promise<string> => {
  const { status, body } = await claim([0], more);
  return `${status} ${body.code}`;
};

const report = (body: object, key: string | null = node.key) =>
  as(key).post(`/v1/gpus/${gpuIds[0]}/cleaning`).send(body);

const clear = (key: string | null = null) =>
  as(key).post(`/v1/gpus/${gpuIds[0]}/clear-quarantine`).send({ reason: 'looked at it' });

const patchNode = (patch: object) =>
  service.as().patch(`/v1/nodes/${node.id}`).set('if-match', '*').send(patch);

const overdue = () =>
  service.sql.query(
    `UPDATE inventory.gpu_cleaning SET since = since - interval '1 hour', deadline_at = deadline_at - interval '1 hour'
      WHERE gpu_id = ANY($1::uuid[])`,
    [gpuIds],
  );

const beat = (sequence: number) =>
  as(node.key).post('/v1/heartbeats').send({ nodeId: node.id, sequence, status: 'healthy' }).expect(202);

/** GPUs whose gate does not say what is left on them. */
async function gateFaults(): Promise<object[]> {
  const { rows } = await service.sql.query(
    `SELECT gpu_id FROM inventory.gpu_state s WHERE (s.blocks & 2048 <> 0)
        <> EXISTS (SELECT FROM inventory.gpu_cleaning c WHERE c.gpu_id = s.gpu_id)`,
  );
  return rows;
}
