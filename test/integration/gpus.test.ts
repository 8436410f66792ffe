import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changesAfter, lastChange, versionFaults } from '../support/changes.ts';
import { createKey, createNode, createProvider, type TestNode } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInput, gpuInputs, putInventory } from '../support/gpu-inputs.ts';
import { allocateRows } from '../support/ledger-rows.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let node: TestNode;
beforeAll(async () => {
  service = await startService();
  node = await createNode(service);
});
afterAll(async () => {
  const faults = await versionFaults(service.sql);
  await service.stop();
  expect(faults).toEqual([]);
});

const post = (body: object, key?: string) =>
  service
    .as(key)
    .post('/v1/gpus')
    .send({ nodeId: node.id, ...body });
const patch = (id: string, version: number, body: object, key?: string) =>
  service.as(key).patch(`/v1/gpus/${id}`).set('if-match', `"${version}"`).send(body);

describe('POST /v1/gpus', () => {
  it('answers 201 with the GPU, every field of it, null where unknown', async () => {
    const input = gpuInput({
      index: 2,
      pciBusId: '0000:41:00.0',
      pricePerHourNanoUsd: '450000000',
      labels: { rack: 'b' },
    });
    const { body, headers } = await post(input).expect(201);
    expect(headers).toMatchObject({ etag: '"1"', location: `/v1/gpus/${body.id}` });
    expect(body).toMatchObject({
      nodeId: node.id,
      providerId: node.providerId,
      uuid: input.uuid,
      index: 2,
      pciBusId: '00000000:41:00.0',
      pciDeviceId: '10de:2684',
      serial: null,
      vendor: 'nvidia',
      modelId: 'nvidia-rtx-4090-24gb',
      parentGpuId: null,
      specs: { memoryTotalMb: 24_564, cudaCores: null },
      capabilities: { supportsCuda: null, supportsConfidentialComputing: null },
      driverVersion: null,
      region: 'eu',
      lifecycle: 'active',
      presence: 'present',
      health: 'unknown',
      verification: { level: 0, expiresAt: null },
      allocationState: 'free',
      isAllocated: false,
      schedulable: false,
      unschedulableReasons: ['node_not_heard'],
      pricePerHourNanoUsd: '450000000',
      telemetry: null,
      labels: { rack: 'b' },
      version: 1,
    });
    expect(await getGpu(service, body.id)).toEqual(body);
  });

  it('answers 409 for hardware that the provider has already, and 404 for a node that is not the caller’s', async () => {
    const gpu = gpuInput();
    const { body: first } = await post(gpu).expect(201);
    const { body } = await post({ ...gpu, uuid: gpu.uuid.toUpperCase() }).expect(409);
    expect(body).toMatchObject({ code: 'gpu.exists', gpuId: first.id, errors: [{ pointer: '/uuid' }] });
    const { key } = await createProvider(service);
    expect((await post(gpuInput(), key).expect(404)).body.code).toBe('node.not_found');
    expect((await post({ ...gpuInput(), nodeId: randomUUID() }).expect(404)).body.code).toBe(
      'node.not_found',
    );
    await post(gpuInput(), node.key).expect(403);
  });

  it('answers 409 for hardware of another provider and puts it on record', async () => {
    const gpu = gpuInput();
    await post(gpu).expect(201);
    const other = await createNode(service);
    const { body } = await post({ ...gpu, nodeId: other.id }).expect(409);
    expect(body).toMatchObject({ code: 'gpu.hardware_conflict', uuids: [gpu.uuid] });
    const findings = await service.sql.query('SELECT kind FROM inventory.finding WHERE provider_id = $1', [
      other.providerId,
    ]);
    expect(findings.rows).toEqual([{ kind: 'hardware_conflict' }]);
  });

  it('replays an acknowledged creation for the same Idempotency-Key', async () => {
    const gpu = gpuInput();
    const send = () => post(gpu).set('idempotency-key', `key-${gpu.uuid}`);
    const first = await send().expect(201);
    const again = await send().expect(201);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
  });
});

describe('nested registration', () => {
  it('makes a provider with its nodes and GPUs, or nothing', async () => {
    const gpus = gpuInputs(2);
    const provider = (name: string, more: object[] = []) => ({
      name,
      email: `${randomUUID()}@example.test`,
      region: 'eu',
      nodes: [{ hostname: 'a', region: 'us', gpus: [...gpus, ...more] }, { hostname: 'b' }],
    });
    const { body } = await service.as().post('/v1/providers').send(provider('Nested')).expect(201);
    expect(body.nodes[0].gpus).toHaveLength(2);
    expect(body.nodes[0].gpus[0]).toMatchObject({ uuid: gpus[0]?.uuid, region: 'us', version: 1 });
    const before = await lastChange(service.sql);
    const refused = await service
      .as()
      .post('/v1/providers')
      .send(provider('Copy', [gpuInput()]))
      .expect(409);
    expect(refused.body).toMatchObject({
      code: 'gpu.hardware_conflict',
      errors: [{ pointer: '/nodes/0/gpus/0/uuid' }, {}],
    });
    expect(await changesAfter(service.sql, before)).toEqual(['finding.opened', 'finding.opened']);
  });

  it('takes a hundred nodes in one request, each with its own GPUs in their order', async () => {
    const nodes = Array.from({ length: 100 }, (_, index) => ({ hostname: `n${index}`, gpus: gpuInputs(3) }));
    const large = { name: 'Large', email: `${randomUUID()}@example.test`, region: 'eu', nodes };
    const { body } = await service.as().post('/v1/providers').send(large).expect(201);
    const uuids = (list: { gpus: { uuid: string }[] }[]) =>
      list.map(({ gpus }) => gpus.map(({ uuid }) => uuid));
    expect(uuids(body.nodes)).toEqual(uuids(nodes as { gpus: { uuid: string }[] }[]));
    expect(body.counts).toMatchObject({ nodes: 100, gpus: 300 });
  });

  it('answers 400 for hardware that two of its nodes claim', async () => {
    const [gpu] = gpuInputs(1);
    const nodes = ['a', 'b'].map((hostname) => ({ hostname, gpus: [gpu] }));
    const twice = { name: 'Twice', email: `${randomUUID()}@example.test`, region: 'eu', nodes };
    const { body } = await service.as().post('/v1/providers').send(twice).expect(400);
    expect(body.errors).toEqual([expect.objectContaining({ pointer: '/nodes/1/gpus/0/uuid' })]);
  });
});

describe('GET /v1/gpus/{id}', () => {
  it('answers 304 for an unchanged version, 404 for another’s GPU, 400 for what is no id', async () => {
    const { body } = await post(gpuInput()).expect(201);
    await service.as().get(`/v1/gpus/${body.id}`).set('if-none-match', '"1"').expect(304);
    const other = await createNode(service);
    expect((await service.as(other.key).get(`/v1/gpus/${body.id}`).expect(404)).body.code).toBe(
      'gpu.not_found',
    );
    await service.as(node.key).get(`/v1/gpus/${body.id}`).expect(200);
    await service
      .as(await createKey(service, { role: 'viewer' }))
      .get(`/v1/gpus/${body.id}`)
      .expect(200);
    await service.as().get(`/v1/gpus/${randomUUID()}`).expect(404);
    await service.as().get('/v1/gpus/{x}').expect(400);
  });

  it('shows the latest telemetry and what allocation and verification are at this moment', async () => {
    const { body: gpu } = await post(gpuInput()).expect(201);
    await service.sql.query(
      `INSERT INTO inventory.gpu_telemetry (gpu_id, at, utilization, memory_used_mb, temperature_c) VALUES ($1, '2026-01-01Z', 99.5, 4564, 61)`,
      [gpu.id],
    );
    await service.sql.query(
      `UPDATE inventory.gpu_state SET level1_until = now() + interval '1 hour', level2_until = now() - interval '1 s',
              used_units = 1000, held_until = now() - interval '1 s' WHERE gpu_id = $1`,
      [gpu.id],
    );
    const expired = await getGpu(service, gpu.id);
    expect(expired).toMatchObject({
      allocationState: 'free',
      isAllocated: false,
      verification: { level: 1 },
    });
    expect(expired.telemetry).toEqual({
      at: '2026-01-01T00:00:00.000Z',
      utilization: 99.5,
      memoryUsedMb: 4564,
      memoryFreeMb: 20_000,
      memoryUtilization: null,
      temperatureC: 61,
      powerDrawW: null,
      fanSpeed: null,
      smClockMhz: null,
      memoryClockMhz: null,
      eccUncorrected: null,
      xidErrors: [],
    });
    await service.sql.query(
      `UPDATE inventory.gpu_state SET held_until = now() + interval '1 hour' WHERE gpu_id = $1`,
      [gpu.id],
    );
    expect(await getGpu(service, gpu.id)).toMatchObject({ allocationState: 'held', isAllocated: true });
    await service.sql.query('UPDATE inventory.gpu_state SET active_units = 1000 WHERE gpu_id = $1', [gpu.id]);
    expect(await getGpu(service, gpu.id)).toMatchObject({ allocationState: 'allocated', isAllocated: true });
    await service.sql.query(
      'UPDATE inventory.gpu_state SET active_units = 0, used_units = 0, blocks = 2048 WHERE gpu_id = $1',
      [gpu.id],
    );
    expect(await getGpu(service, gpu.id)).toMatchObject({
      allocationState: 'cleaning',
      unschedulableReasons: ['gpu_cleaning'],
    });
  });
});

describe('PATCH /v1/gpus/{id}', () => {
  it('changes what a provider decides, clears with null, and counts versions', async () => {
    const { body: gpu } = await post(gpuInput({ labels: { a: '1', b: '2' }, serial: 'S1' })).expect(201);
    const { body, headers } = await patch(gpu.id, 1, {
      pricePerHourNanoUsd: '420000000',
      labels: { a: null, c: '3' },
      serial: null,
      lifecycle: 'maintenance',
      capabilities: { supportsNvlink: false },
    }).expect(200);
    expect(headers.etag).toBe('"2"');
    expect(body).toMatchObject({
      pricePerHourNanoUsd: '420000000',
      labels: { b: '2', c: '3' },
      serial: null,
      lifecycle: 'maintenance',
      unschedulableReasons: ['node_not_heard', 'gpu_not_active'],
      capabilities: { supportsNvlink: false },
      specs: { memoryTotalMb: 24_564 },
      version: 2,
    });
    const same = await patch(gpu.id, 2, { lifecycle: 'maintenance', labels: { c: '3' } }).expect(200);
    expect(same.body.version).toBe(2);
    const active = await patch(gpu.id, 2, { lifecycle: 'active', specs: { memoryTotalMb: null } }).expect(
      200,
    );
    expect(active.body).toMatchObject({
      unschedulableReasons: ['node_not_heard'],
      specs: { memoryTotalMb: null },
    });
  });

  it('clears all labels with null, once', async () => {
    const { body: gpu } = await post(gpuInput({ labels: { a: '1', b: '2' } })).expect(201);
    for (const version of [1, 2])
      expect((await patch(gpu.id, version, { labels: null }).expect(200)).body).toMatchObject({
        labels: {},
        version: 2,
      });
  });

  it('writes one change row with what changed', async () => {
    const { body: gpu } = await post(gpuInput()).expect(201);
    await patch(gpu.id, 1, { labels: { a: '1' } }).expect(200);
    const { rows } = await service.sql.query(
      `SELECT type, version::int, diff, actor_type, provider_id, node_id FROM inventory.change WHERE subject_id = $1 ORDER BY id`,
      [gpu.id],
    );
    expect(rows).toMatchObject([
      { type: 'gpu.created', version: 1, diff: { after: { uuid: gpu.uuid, modelId: gpu.modelId } } },
      { type: 'gpu.updated', version: 2, diff: { before: { labels: {} }, after: { labels: { a: '1' } } } },
    ]);
    expect(Object.keys(rows[1].diff.after)).toEqual(['labels']);
    expect(rows[1]).toMatchObject({ actor_type: 'operator', provider_id: node.providerId, node_id: node.id });
  });

  it('answers 412 with the current version, 428 without one, 404, 403 and 400', async () => {
    const { body: gpu } = await post(gpuInput()).expect(201);
    const stale = await patch(gpu.id, 7, { labels: {} }).expect(412);
    expect(stale.headers.etag).toBe('"1"');
    expect(stale.body).toMatchObject({ code: 'request.version_conflict', currentVersion: 1 });
    await service.as().patch(`/v1/gpus/${gpu.id}`).send({ labels: {} }).expect(428);
    const { key } = await createProvider(service);
    await patch(gpu.id, 1, { labels: {} }, key).expect(404);
    await patch(gpu.id, 1, { labels: {} }, node.key).expect(403);
    for (const field of ['uuid', 'vendor', 'health', 'nodeId', 'presence', 'modelId']) {
      expect((await patch(gpu.id, 1, { [field]: 'x' }).expect(400)).body.errors[0].pointer).toBe(`/${field}`);
    }
    await patch(gpu.id, 1, { name: null }).expect(400);
  });
});

describe('DELETE /v1/gpus/{id}', () => {
  const remove = (id: string, version: number) =>
    service.as().delete(`/v1/gpus/${id}`).set('if-match', `"${version}"`);

  it('answers 204, then 404; the same hardware comes back under a new id', async () => {
    const input = gpuInput();
    const { body: gpu } = await post(input).expect(201);
    await remove(gpu.id, 9).expect(412);
    await service.as().delete(`/v1/gpus/${gpu.id}`).expect(428);
    await remove(gpu.id, 1).expect(204);
    await remove(gpu.id, 2).expect(404);
    await service.as().get(`/v1/gpus/${gpu.id}`).expect(404);
    const { body: again } = await post(input).expect(201);
    expect(again.id).not.toBe(gpu.id);
  });

  it('takes the partitions with it', async () => {
    const parent = gpuInput();
    const [gpu, partition] = await createGpus(service, node, [parent, gpuInput({ parentUuid: parent.uuid })]);
    await remove(gpu?.id ?? '', 1).expect(204);
    await service.as().get(`/v1/gpus/${partition?.id}`).expect(404);
  });

  it('answers 409 while a live allocation uses it', async () => {
    const { body: gpu } = await post(gpuInput()).expect(201);
    const allocationId = await allocateRows(service.sql, [gpu.id]);
    const { body } = await remove(gpu.id, 2).expect(409);
    expect(body).toMatchObject({ code: 'gpu.in_use', allocationIds: [allocationId] });
    expect((await getGpu(service, gpu.id)).allocationState).toBe('allocated');
  });
});

describe('a new GPU', () => {
  it('starts behind the gates of its provider and node', async () => {
    const place = await createNode(service);
    await service.sql.query(`UPDATE inventory.provider SET lifecycle = 'suspended' WHERE id = $1`, [
      place.providerId,
    ]);
    await service.sql.query(
      `UPDATE inventory.node SET lifecycle = 'maintenance', eligibility = 'draining' WHERE id = $1`,
      [place.id],
    );
    await service.sql.query(
      `UPDATE inventory.node_heartbeat SET liveness = 'offline', status = 'maintenance' WHERE node_id = $1`,
      [place.id],
    );
    const { body } = await putInventory(service, place, { generation: 1, gpus: gpuInputs(1) }).expect(200);
    expect((await getGpu(service, body.added[0])).unschedulableReasons).toEqual([
      'provider_not_active',
      'node_not_active',
      'node_draining',
      'node_offline',
      'node_maintenance',
    ]);
  });

  it('of a node that is heard is schedulable at once', async () => {
    const place = await createNode(service);
    await service.sql.query(`UPDATE inventory.node_heartbeat SET liveness = 'late' WHERE node_id = $1`, [
      place.id,
    ]);
    const { body } = await putInventory(service, place, { generation: 1, gpus: gpuInputs(1) }).expect(200);
    expect(await getGpu(service, body.added[0])).toMatchObject({
      schedulable: true,
      unschedulableReasons: [],
    });
  });
});
