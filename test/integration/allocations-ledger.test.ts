import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { changesAfter, lastChange, versionFaults } from '../support/changes.ts';
import { createNode } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInput, putInventory } from '../support/gpu-inputs.ts';
import { allocationFaults, createSweepers, ledgerFaults, setDeadline, unswept } from '../support/ledger.ts';
import { openNode } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

let service: TestService;
let client: Client;
let open: Awaited<ReturnType<typeof openNode>>;
let gpuIds: string[];

beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(() => service.stop());
beforeEach(async () => {
  open = await openNode(service, { gpus: 3 });
  gpuIds = open.gpuIds;
  client = service.as(open.tenant.key);
});

describe('the database itself', () => {
  it.each([
    ['a second whole claim', 1000, 1000, 'allocation_gpu_exclusive_key'],
    ['a share beside a whole claim', 1000, 1, 'gpu_state_units_check'],
    ['a whole claim beside a share', 1, 1000, 'gpu_state_units_check'],
    ['shares of more than the whole', 600, 401, 'gpu_state_units_check'],
  ])('refuses %s by direct SQL', async (_what, first, second, constraint) => {
    const { body } = await claim({ gpuIds: [gpuIds[0]], share: first }).expect(201);
    const other = await claim({ gpuIds: [gpuIds[1]] }).expect(201);
    await expect(bookRow(other.body.id, body.gpus[0].gpuId, second)).rejects.toMatchObject({ constraint });
    expect(await ledgerFaults(service.sql)).toEqual([]);
  });

  it('refuses counters beyond the whole, below nothing, and active beyond used', async () => {
    for (const wrong of ['used_units = 1001', 'used_units = -1', 'active_units = used_units + 1']) {
      const update = service.sql.query(`UPDATE inventory.gpu_state SET ${wrong} WHERE gpu_id = $1`, [
        gpuIds[0],
      ]);
      await expect(update).rejects.toMatchObject({ constraint: 'gpu_state_units_check' });
    }
  });

  it('keeps the counters through any direct change of the ledger', async () => {
    const { body } = await claim({ gpuIds: [gpuIds[0]], share: 300 }).expect(201);
    await claim({ gpuIds: [gpuIds[0]], share: 200, holdTtlS: 60 }).expect(201);
    const changes = [
      'UPDATE inventory.allocation_gpu SET units = 500, root_units = 500 WHERE allocation_id = $1',
      'UPDATE inventory.allocation_gpu SET released_at = clock_timestamp() WHERE allocation_id = $1',
      'UPDATE inventory.allocation_gpu SET released_at = NULL WHERE allocation_id = $1',
      'DELETE FROM inventory.allocation_gpu WHERE allocation_id = $1',
    ];
    for (const change of changes) {
      await service.sql.query(change, [body.id]);
      expect([change, await ledgerFaults(service.sql)]).toEqual([change, []]);
    }
    await expect(
      service.sql.query('UPDATE inventory.allocation_gpu SET gpu_id = $1 WHERE gpu_id = $2', [
        gpuIds[1],
        gpuIds[0],
      ]),
    ).rejects.toThrow('stays with its GPU');
    await service.sql.query('DELETE FROM inventory.allocation_gpu WHERE gpu_id = $1', [gpuIds[0]]);
  });

  it('shows a tenant no allocation of another, even to a query that forgets to ask', async () => {
    await claim({ gpuIds }).expect(201);
    const { rows } = await service.application.kernel.db.pool.query('SELECT id FROM inventory.allocation');
    expect(rows).toEqual([]);
  });
});

describe('partitions', () => {
  it('take their part of the physical GPU, and never meet a claim on the whole of it', async () => {
    const parent = gpuInput({ index: 9, specs: { memoryTotalMb: 40_960 } });
    const partition = (index: number) =>
      gpuInput({
        index,
        uuid: `MIG-${randomUUID()}`,
        parentUuid: parent.uuid,
        specs: { memoryTotalMb: 4_864 },
      });
    const made = await createGpus(service, open.node, [parent, partition(10), partition(11)]);
    await openGates();
    const [whole, first, second] = made.map(({ id }) => id) as [string, string, string];

    const one = await claim({ gpuIds: [first] }).expect(201);
    expect(await unitsOf(whole)).toBe(118);
    const refused = await claim({ gpuIds: [whole] }).expect(409);
    expect(refused.body).toMatchObject({ code: 'gpu.unavailable', gpuIds: [whole] });
    const two = await claim({ gpuIds: [second] }).expect(201);
    expect(await unitsOf(whole)).toBe(236);

    await release(one.body.id);
    await release(two.body.id);
    await claim({ gpuIds: [whole] }).expect(201);
    const late = await claim({ gpuIds: [first] }).expect(409);
    expect(late.body).toMatchObject({ code: 'gpu.unavailable', gpuIds: [first] });
    expect(await ledgerFaults(service.sql)).toEqual([]);
  });
});

describe('the end of a hold', () => {
  it('comes by itself, within a second of the deadline', async () => {
    const swept = await startService({}, service.database);
    const { body: hold } = await claim({ gpuIds, holdTtlS: 1 }).expect(201);
    await until('the hold was swept', async () => (await storedState(hold.id)) === 'expired');
    const { rows } = await service.sql.query<{ late: number }>(
      `SELECT extract(epoch FROM c.at - a.held_until)::float AS late FROM inventory.allocation a
         JOIN inventory.change c ON c.subject_id = a.id::text AND c.type = 'allocation.expired' WHERE a.id = $1`,
      [hold.id],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.late).toBeGreaterThan(0);
    expect(rows[0]?.late).toBeLessThan(1);
    await swept.stop();
  });

  it('releases its GPUs with one change each, and so does the end of a duration', async () => {
    const { body: hold } = await claim({ gpuIds: gpuIds.slice(0, 2), holdTtlS: 60 }).expect(201);
    const { body: active } = await claim({ gpuIds: gpuIds.slice(2), durationS: 60 }).expect(201);
    await setDeadline(service.sql, hold.id, -2);
    await setDeadline(service.sql, active.id, -1);
    const before = await lastChange(service.sql);
    const { expiry, close } = createSweepers(service);
    expect(await expiry.sweep()).toBe(2);
    expect(await expiry.sweep()).toBe(0);
    await close();
    expect((await changesAfter(service.sql, before)).sort()).toEqual([
      'allocation.expired',
      'allocation.expired',
      'gpu.released',
      'gpu.released',
      'gpu.released',
    ]);
    const { body } = await client.get(`/v1/allocations/${active.id}`).expect(200);
    expect(body).toMatchObject({ state: 'expired', endReason: 'duration_ended', releasedAt: body.expiresAt });
    await claim({ gpuIds }).expect(201);
  });

  it('comes for many shares of one GPU at once, a version and a change for each', async () => {
    const [gpuId] = gpuIds as [string];
    const holds = [];
    for (const share of [100, 200, 300]) {
      holds.push((await claim({ gpuIds: [gpuId], share, holdTtlS: 60 }).expect(201)).body.id);
    }
    const { version } = await getGpu(service, gpuId);
    for (const id of holds) await setDeadline(service.sql, id, -1);
    const { expiry, close } = createSweepers(service);
    expect(await expiry.sweep()).toBe(3);
    await close();
    expect(await getGpu(service, gpuId)).toMatchObject({ allocationState: 'free', version: version + 3 });
  });
});

describe('a lost GPU', () => {
  it('interrupts the allocations that use it in the request that reports the loss, and frees their other GPUs', async () => {
    const inputs = [gpuInput({ index: 0 }), gpuInput({ index: 1 })];
    const node = await createNode(service);
    const { body: diff } = await putInventory(service, node, { generation: 1, gpus: inputs }).expect(200);
    await openGates();
    const [lost, kept] = diff.added as [string, string];
    const { body: job } = await claim({ gpuIds: [lost, kept, gpuIds[0]] }).expect(201);
    const { body: bystander } = await claim({ gpuIds: [gpuIds[1]] }).expect(201);
    const before = await lastChange(service.sql);

    await putInventory(service, node, { generation: 2, gpus: inputs.slice(1) }).expect(200);

    const { body } = await client.get(`/v1/allocations/${job.id}`).expect(200);
    expect(body).toMatchObject({
      state: 'interrupted',
      endReason: 'gpu_lost',
      releasedAt: expect.any(String),
      version: 2,
    });
    await client.get(`/v1/allocations/${bystander.id}`).expect(200, bystander);
    const changes = await changesAfter(service.sql, before);
    expect(changes.filter((type) => type === 'allocation.interrupted')).toHaveLength(1);
    expect(changes.filter((type) => type === 'gpu.released')).toHaveLength(3);
    await claim({ gpuIds: [kept, gpuIds[0]] }).expect(201);
    const gone = await claim({ gpuIds: [lost] }).expect(409);
    expect(gone.body.gpus).toEqual([{ gpuId: lost, reasons: ['gpu_missing'] }]);
  });
});

it('leaves ledger, counters, versions and change rows in agreement', async () => {
  expect(await ledgerFaults(service.sql)).toEqual([]);
  expect(await allocationFaults(service.sql)).toEqual([]);
});

it('makes a version of an object for each of its changes', async () => {
  const fresh = await startService(unswept);
  const { gpuIds: ids, tenant } = await openNode(fresh, { gpus: 3 });
  const tenantClient = fresh.as(tenant.key);
  const { body } = await tenantClient.post('/v1/allocations').send({ gpuIds: ids, holdTtlS: 60 }).expect(201);
  for (const action of ['extend', 'confirm', 'release']) {
    await tenantClient.post(`/v1/allocations/${body.id}/${action}`).expect(200);
  }
  expect(await versionFaults(fresh.sql)).toEqual([]);
  await fresh.stop();
});

const claim = (body: object) => client.post('/v1/allocations').send(body);
const release = (id: string) => client.post(`/v1/allocations/${id}/release`).expect(200);
const openGates = () => service.sql.query('UPDATE inventory.gpu_state SET blocks = 0 WHERE blocks = 32');

async function unitsOf(gpuId: string): Promise<number> {
  const { rows } = await service.sql.query('SELECT used_units FROM inventory.gpu_state WHERE gpu_id = $1', [
    gpuId,
  ]);
  return rows[0].used_units;
}

async function storedState(id: string): Promise<string> {
  const { rows } = await service.sql.query('SELECT state FROM inventory.allocation WHERE id = $1', [id]);
  return rows[0].state;
}

const bookRow = (allocationId: string, gpuId: string, units: number) =>
  service.sql.query(
    `INSERT INTO inventory.allocation_gpu (allocation_id, gpu_id, root_gpu_id, node_id, provider_id, units, root_units, exclusive)
     SELECT $1, s.gpu_id, s.root_gpu_id, s.node_id, s.provider_id, $3::int, $3::int, $3::int = 1000
       FROM inventory.gpu_state s WHERE s.gpu_id = $2`,
    [allocationId, gpuId, units],
  );
