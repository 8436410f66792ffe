import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { runCommand } from '../support/command-line.ts';
import type { TestNode } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInput } from '../support/gpu-inputs.ts';
import { ledgerFaults, unswept } from '../support/ledger.ts';
import { a100, createPartitioned, mig } from '../support/partitions.ts';
import { damage, expectRepair, reconcile } from '../support/reconciling.ts';
import { openNode, type TestTenant } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

let service: TestService;
let tenant: TestTenant;
let node: TestNode;
let gpuIds: string[];
beforeAll(async () => {
  service = await startService({ ...unswept, RECONCILE_INTERVAL_S: '0' });
});
afterAll(() => service.stop());
beforeEach(async () => {
  ({ node, tenant, gpuIds } = await openNode(service, { gpus: 3 }));
});

const claim = async (gpus: string[], more: object = {}): Promise<string> => {
  const { body } = await service
    .as(tenant.key)
    .post('/v1/allocations')
    .send({ gpuIds: gpus, ...more })
    .expect(201);
  return body.id;
};

const stateOf = async (id: string): Promise<string> =>
  (await service.as().get(`/v1/allocations/${id}`).expect(200)).body.state;

it('finds nothing where nothing has drifted', async () => {
  await claim(gpuIds.slice(0, 2), { holdTtlS: 600 });
  const { code, answer } = await reconcile(service);
  expect(answer.drifts.filter(({ found }) => found > 0)).toEqual([]);
  expect(code).toBe(0);
});

describe('an allocation', () => {
  it('without its rows in the ledger is a ghost, and ends', async () => {
    const id = await claim(gpuIds);
    await service.sql.query('DELETE FROM inventory.allocation_gpu WHERE allocation_id = $1', [id]);
    await expectRepair(service, 'ghost-allocation', [id]);
    expect(await stateOf(id)).toBe('interrupted');
    await claim(gpuIds);
  });

  it('that has ended leaves no GPU in use', async () => {
    const id = await claim(gpuIds);
    await damage(
      service,
      `UPDATE inventory.allocation SET state = 'released', released_at = clock_timestamp() WHERE id = '${id}'`,
    );
    await service.sql.query(`UPDATE inventory.allocation SET version = version + 1 WHERE id = $1`, [id]);
    await expectRepair(service, 'ghost-share', gpuIds);
    await claim(gpuIds);
  });

  it('that is gone leaves no GPU in use', async () => {
    const id = await claim(gpuIds);
    await damage(service, `DELETE FROM inventory.allocation WHERE id = '${id}'`);
    await expectRepair(service, 'ghost-share', gpuIds);
    await claim(gpuIds);
  });

  it('has a GPU once, however often its row is there', async () => {
    const [gpuId = ''] = gpuIds;
    const id = await claim([gpuId], { share: 400 });
    for (const minutes of [1, 2, 3])
      await damage(
        service,
        `INSERT INTO inventory.allocation_gpu (allocation_id, gpu_id, root_gpu_id, node_id, provider_id, units, root_units,
                                               exclusive, created_at)
         SELECT allocation_id, gpu_id, root_gpu_id, node_id, provider_id, units, root_units, exclusive,
                created_at + interval '${minutes} minutes'
           FROM inventory.allocation_gpu WHERE allocation_id = '${id}' ORDER BY created_at LIMIT 1`,
      );
    await expectRepair(service, 'doubled-share', [gpuId, gpuId, gpuId]);
    const { body } = await service.as().get(`/v1/allocations/${id}`).expect(200);
    expect([body.state, body.gpus.length, body.version]).toEqual(['active', 1, 1]);
    await claim([gpuId], { share: 600 });
  });

  it('leaves what it had before as it was', async () => {
    const [gpuId = '', other = ''] = gpuIds;
    const id = await claim([gpuId]);
    for (const wanted of [other, gpuId])
      await service
        .as(tenant.key)
        .post(`/v1/allocations/${id}/move`)
        .send({ gpuIds: [wanted] })
        .expect(200);
    const past = () =>
      service.sql.query(
        'SELECT * FROM inventory.allocation_gpu WHERE allocation_id = $1 ORDER BY created_at LIMIT 2',
        [id],
      );
    const { rows } = await past();
    await damage(
      service,
      `UPDATE inventory.allocation SET state = 'released', released_at = clock_timestamp(), version = version + 1
        WHERE id = '${id}'`,
    );
    await expectRepair(service, 'ghost-share', [gpuId]);
    expect((await past()).rows).toEqual(rows);
  });

  it('that is confirmed holds its GPUs no longer', async () => {
    const [gpuId = ''] = gpuIds;
    const id = await claim([gpuId]);
    await damage(
      service,
      `UPDATE inventory.allocation_gpu SET held_until = clock_timestamp() + interval '1 hour'
                   WHERE allocation_id = '${id}'`,
    );
    await expectRepair(service, 'stale-hold', [gpuId]);
    const { body } = await service.as().get(`/v1/gpus/${gpuId}`).expect(200);
    expect(body.allocationState).toBe('allocated');
  });
});

describe('a GPU', () => {
  it('that is given out twice stays with whoever had it first', async () => {
    const [gpuId = '', other = ''] = gpuIds;
    const first = await claim([gpuId]);
    const second = await claim([other]);
    await damage(
      service,
      `UPDATE inventory.allocation_gpu
                     SET (gpu_id, root_gpu_id, exclusive, units, root_units) = ('${gpuId}', '${gpuId}', false, 500, 500)
                   WHERE allocation_id = '${second}'`,
    );
    await expectRepair(service, 'double-hold', [gpuId]);
    expect([await stateOf(first), await stateOf(second)]).toEqual(['active', 'interrupted']);
    await claim([other]);
  });

  it('that is given out as such and through a partition is taken from the partition', async () => {
    const parent = gpuInput({ index: 8 });
    const child = gpuInput({ index: 9, uuid: `MIG-${randomUUID()}`, parentUuid: parent.uuid });
    const [whole, part] = (await createGpus(service, node, [parent, child])).map(({ id }) => id) as [
      string,
      string,
    ];
    const first = await claim([gpuIds[0] as string]);
    const second = await claim([part]);
    await damage(
      service,
      `UPDATE inventory.allocation_gpu SET (gpu_id, root_gpu_id) = ('${whole}', '${whole}')
                   WHERE allocation_id = '${first}'`,
    );
    await expectRepair(service, 'double-hold', [whole]);
    expect([await stateOf(first), await stateOf(second)]).toEqual(['active', 'interrupted']);
    await claim([gpuIds[0] as string]);
  });

  it('shows what the ledger adds up to', async () => {
    const [used = '', free = ''] = gpuIds;
    await claim([used]);
    await damage(
      service,
      `UPDATE inventory.gpu_state SET used_units = 0, active_units = 0 WHERE gpu_id = '${used}'`,
    );
    await damage(service, `UPDATE inventory.gpu_state SET used_units = 250 WHERE gpu_id = '${free}'`);
    await expectRepair(service, 'stale-share-counter', [used, free]);
    await service
      .as(tenant.key)
      .post('/v1/allocations')
      .send({ gpuIds: [used] })
      .expect(409);
    await claim([free]);
  });

  it('has the gates of its node', async () => {
    const [gpuId = ''] = gpuIds;
    await damage(service, `UPDATE inventory.gpu_state SET blocks = blocks | 8 WHERE gpu_id = '${gpuId}'`);
    await expectRepair(service, 'stale-gate', [gpuId]);
    await claim([gpuId]);
  });

  it('has the gates of its own state, with a version for each that changes', async () => {
    const [retired = '', failed = '', well = ''] = gpuIds;
    await damage(
      service,
      `UPDATE inventory.gpu_state SET lifecycle = 'maintenance' WHERE gpu_id = '${retired}';
       UPDATE inventory.gpu_state SET health = 'failed' WHERE gpu_id = '${failed}';
       UPDATE inventory.gpu_state SET blocks = blocks | 384 WHERE gpu_id = '${well}'`,
    );
    await expectRepair(service, 'stale-gate', gpuIds);
    const seen = await Promise.all(gpuIds.map((id) => getGpu(service, id)));
    expect(seen.map(({ unschedulableReasons, version }) => [unschedulableReasons, version])).toEqual([
      [['gpu_not_active'], 2],
      [['gpu_failed'], 2],
      [[], 2],
    ]);
  });

  it('has the gates of its physical GPU and of its partitions', async () => {
    const { root, parts } = await createPartitioned(service, node, a100, [mig('1g.5gb'), mig('1g.5gb')]);
    const [one = '', other = ''] = parts;
    await damage(
      service,
      `UPDATE inventory.gpu_state SET blocks = blocks | 1024, version = version + 1 WHERE gpu_id = '${root}'`,
    );
    await expectRepair(service, 'stale-gate', [one, other]);
    expect((await getGpu(service, one)).unschedulableReasons).toEqual(['parent_gpu_blocked']);
    await damage(
      service,
      `UPDATE inventory.gpu_state SET blocks = 131072, version = version + 1 WHERE gpu_id = '${root}'`,
    );
    await expectRepair(service, 'stale-gate', [root, one, other]);
    await claim([one, other]);
  });

  it('shares its slot with no other, or a finding says so', async () => {
    const { rows } = await service.sql.query<{ place: string; nodeId: string }>(
      `UPDATE inventory.gpu SET pci_bus_id = '00000000:03:00.0' WHERE id = ANY($1)
       RETURNING node_id || ' ' || pci_bus_id AS place, node_id AS "nodeId"`,
      [gpuIds.slice(0, 2)],
    );
    await expectRepair(service, 'duplicate-slot', [rows[0]?.place ?? '']);
    const { body } = await service.as().get(`/v1/findings?nodeId=${rows[0]?.nodeId}`).expect(200);
    expect(body.items).toEqual([expect.objectContaining({ kind: 'duplicate_slot', state: 'open' })]);
  });

  it('runs nothing for nobody, or a finding says so', async () => {
    const [gpuId = ''] = gpuIds;
    await claim([gpuId]);
    const list = { generation: 1, processes: [{ pid: 7, name: 'python' }] };
    await service.as().put(`/v1/gpus/${gpuId}/processes`).send(list).expect(200);
    await service.sql.query('DELETE FROM inventory.allocation_gpu WHERE gpu_id = $1', [gpuId]);
    await expectRepair(service, 'orphan-process', [gpuId]);
    const { body } = await service.as().get(`/v1/findings?gpuId=${gpuId}`).expect(200);
    expect(body.items).toEqual([
      expect.objectContaining({
        kind: 'unattributed_process',
        detail: { count: 1, processes: [{ pid: 7, name: 'python', user: null }] },
      }),
    ]);
  });

  it('has a change row for each of its versions', async () => {
    const [gpuId = ''] = gpuIds;
    await service.sql.query('UPDATE inventory.gpu_state SET version = version + 2 WHERE gpu_id = $1', [
      gpuId,
    ]);
    await expectRepair(service, 'unrecorded-gpu-version', [gpuId, gpuId]);
  });
});

it('counts what a tenant uses against its quotas', async () => {
  await service
    .as()
    .patch(`/v1/tenants/${tenant.id}`)
    .set('if-match', '*')
    .send({ quotas: { maxGpus: 3 } })
    .expect(200);
  await claim(gpuIds.slice(0, 1));
  await damage(
    service,
    `UPDATE inventory.tenant_usage SET gpu_units = 3000 WHERE tenant_id = '${tenant.id}'`,
  );
  await expectRepair(service, 'stale-quota-counter', [tenant.id]);
  await claim(gpuIds.slice(1));
});

it('counts what a tenant with quotas uses, and by those quotas, though their row is gone or says otherwise', async () => {
  const quotas = { maxGpus: 2, maxPricePerHourNanoUsd: '7' };
  const patched = service.as().patch(`/v1/tenants/${tenant.id}`).set('if-match', '*');
  await patched.send({ quotas }).expect(200);
  await claim(gpuIds.slice(0, 1));
  for (const fault of [
    'DELETE FROM inventory.tenant_usage',
    'UPDATE inventory.tenant_usage SET max_gpu_units = 9000',
  ]) {
    await damage(service, `${fault} WHERE tenant_id = '${tenant.id}'`);
    await expectRepair(service, 'stale-quota-counter', [tenant.id]);
  }
  const more = service
    .as(tenant.key)
    .post('/v1/allocations')
    .send({ gpuIds: gpuIds.slice(1) });
  expect((await more.expect(409)).body).toMatchObject({ code: 'allocation.quota_exceeded', used: 1 });
});

it('tells people what has drifted, where, and what to do', async () => {
  const [gpuId = ''] = gpuIds;
  await damage(service, `UPDATE inventory.gpu_state SET used_units = 250 WHERE gpu_id = '${gpuId}'`);
  const { code, stdout } = await runCommand(['reconcile'], { DATABASE_URL: service.database.ownerUrl });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^stale-share-counter +1 +What a GPU shows/m);
  expect(stdout).toContain(`stale-share-counter: ${gpuId} (250 used and 0 active of 1000; ledger 0 and 0)`);
  expect(stdout).toContain('1 objects have drifted. --apply repairs them.');
  expect((await runCommand(['reconcile', '--apply'], { DATABASE_URL: service.database.ownerUrl })).code).toBe(
    0,
  );
});

it('is done by the service itself where the settings say so', async () => {
  const repairing = await startService({ RECONCILE_INTERVAL_S: '1', RECONCILE_APPLY: 'true' });
  const {
    gpuIds: [gpuId],
  } = await openNode(repairing, { gpus: 1 });
  await repairing.sql.query(
    'UPDATE inventory.gpu_state SET used_units = 10, version = version + 1 WHERE gpu_id = $1',
    [gpuId],
  );
  await until('the counter is right again', async () => (await ledgerFaults(repairing.sql)).length === 0);
  await until('the version is recorded', async () => (await versionFaults(repairing.sql)).length === 0);
  await repairing.stop();
});
