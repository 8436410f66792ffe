import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type pg from 'pg';
import { disagreements } from '../support/agreement.ts';
import { deadlocks } from '../support/deadlocks.ts';
import { getGpu, putInventory } from '../support/gpu-inputs.ts';
import { unswept } from '../support/ledger.ts';
import { outcome, parallel } from '../support/outcomes.ts';
import { openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

let service: TestService;
/** Transactions that a failed test has left open. */
const open = new Set<pg.PoolClient>();
beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(() => service.stop());
afterEach(async () => {
  for (const client of open) client.release(true);
  open.clear();
  expect(await disagreements(service.sql)).toEqual([]);
});

it('a snapshot that ends an allocation holds no GPU while it waits for another one of it', async () => {
  const { node, gpuIds, inputs, client } = await setup(3);
  const [first = '', , last = ''] = gpuIds;
  const { body: allocation } = await client
    .post('/v1/allocations')
    .send({ gpuIds: [first, last], onInterruption: 'release' })
    .expect(201);
  const user = await holdingLock(first);
  const loses = putInventory(service, node, { generation: 2, gpus: inputs.slice(0, 2) }).then(
    (reply) => reply,
  );
  await user.isWaitedFor();
  await user.lock(last);
  await user.commit();
  expect((await loses).body.missing).toEqual([last]);
  const { body } = await client.get(`/v1/allocations/${allocation.id}`).expect(200);
  expect(body).toMatchObject({ state: 'interrupted', endReason: 'gpu_lost' });
});

it('a snapshot that finds more to change under its locks holds none while it waits for the rest', async () => {
  const { node, gpuIds, inputs } = await setup(2);
  const [first = '', last = ''] = gpuIds;
  const other = await holdingLock(last);
  const moved = [inputs[0], { ...inputs[1], index: 9 }] as object[];
  const says = putInventory(service, node, { generation: 2, gpus: moved }).then((reply) => reply);
  await other.isWaitedFor();
  await service.as().patch(`/v1/gpus/${first}`).set('if-match', '*').send({ index: 5 }).expect(200);
  const user = await holdingLock(first);
  await other.commit();
  await user.isWaitedFor();
  await user.lock(last);
  await user.commit();
  expect((await says).body.updated.sort()).toEqual([first, last].sort());
  expect((await getGpu(service, first)).index).toBe(0);
});

it('snapshots, claims of pairs and releases never wait for each other in a circle', async () => {
  const { node, gpuIds, inputs, client } = await setup(6);
  const before = await deadlocks(service.sql);
  const use = async (at: number) => {
    const pair = [gpuIds[at % 6], gpuIds[(at + 1 + (at % 4)) % 6]];
    const reply = await client.post('/v1/allocations').send({ gpuIds: pair });
    expect(['201', '409 gpu.unavailable', '409 gpu.unschedulable']).toContain(outcome(reply));
    if (reply.status !== 201) return;
    const released = await client.post(`/v1/allocations/${reply.body.id}/release`);
    expect(['200', '409 allocation.illegal_transition']).toContain(outcome(released));
  };
  let generation = 2;
  const report = (at: number) =>
    putInventory(service, node, {
      generation: generation++,
      gpus: inputs.filter((_, index) => (index + at) % 3 !== 0),
    }).expect(200);
  await parallel(6, async (actor) => {
    for (let turn = 0; turn < 25; turn++) await (actor === 0 ? report(turn) : use(actor * 7 + turn));
  });
  expect(await deadlocks(service.sql)).toBe(before);
}, 60_000);

/** Free GPUs of a node in the order of their ids, as its agent has reported them once. */
async function setup(gpus: number) {
  const { node, gpuIds, tenant } = await openNode(service, { gpus });
  gpuIds.sort();
  const shown = await Promise.all(gpuIds.map((id) => getGpu(service, id)));
  const inputs: object[] = shown.map(({ uuid, vendor, name, index }) => ({ uuid, vendor, name, index }));
  await putInventory(service, node, { generation: 1, gpus: inputs }).expect(200);
  return { node, gpuIds, inputs, client: service.as(tenant.key) };
}

/** A transaction that has locked a GPU, as a claim does. */
async function holdingLock(gpuId: string) {
  const client = await service.sql.connect();
  open.add(client);
  await client.query('BEGIN');
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const lock = (id: string) =>
    client.query('SELECT FROM inventory.gpu_state WHERE gpu_id = $1 FOR NO KEY UPDATE NOWAIT', [id]);
  await lock(gpuId);
  return {
    /** Locks one more; fails where that is locked. */
    lock,
    isWaitedFor: () => until('somebody waits for it', () => isBlocking(service.sql, rows[0]?.pid)),
    async commit() {
      await client.query('COMMIT');
      open.delete(client);
      client.release();
    },
  };
}

async function isBlocking(owner: pg.Pool, pid: number | undefined): Promise<boolean> {
  const { rowCount } = await owner.query(
    'SELECT FROM pg_stat_activity WHERE datname = current_database() AND $1 = ANY(pg_blocking_pids(pid))',
    [pid],
  );
  return (rowCount ?? 0) > 0;
}
