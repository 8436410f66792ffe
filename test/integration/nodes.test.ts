import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createNode, createProvider } from '../support/fleet.ts';
import { startService, type TestService } from '../support/service.ts';

const unknown = '01900000-0000-7000-8000-000000000000';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(async () => {
  expect(await versionFaults(service.sql)).toEqual([]);
  await service.stop();
});

describe('POST /v1/nodes', () => {
  it('registers a node, 201, that nobody has heard yet', async () => {
    const { id: providerId, key } = await createProvider(service);
    const { body, headers } = await service
      .as(key)
      .post('/v1/nodes')
      .send({ providerId, hostname: 'rig-1', zone: 'a' })
      .expect(201);
    expect(headers).toMatchObject({ etag: '"1"', location: `/v1/nodes/${body.id}` });
    expect(body).toMatchObject({
      providerId,
      hostname: 'rig-1',
      region: 'eu',
      zone: 'a',
      lifecycle: 'active',
      eligibility: 'eligible',
      liveness: 'pending',
      lastHeartbeatAt: null,
      heartbeatDeadlineAt: null,
      inventoryGeneration: null,
      system: { os: null, cpuCores: null },
      counts: { gpus: 0, gpusFree: 0 },
    });
    expect((await service.as().get(`/v1/nodes/${body.id}`).expect(200)).body).toEqual(body);
  });

  it('keeps hostnames apart within a provider, 409', async () => {
    const { id: providerId } = await createProvider(service);
    await service.as().post('/v1/nodes').send({ providerId, hostname: 'twin' }).expect(201);
    const { body } = await service.as().post('/v1/nodes').send({ providerId, hostname: 'TWIN' }).expect(409);
    expect(body.code).toBe('node.hostname_taken');
    await createNode(service);
  });

  it('wants a provider that the caller may see, 404', async () => {
    const [mine, other] = [await createProvider(service), await createProvider(service)];
    for (const providerId of [unknown, other.id]) {
      const { body } = await service
        .as(mine.key)
        .post('/v1/nodes')
        .send({ providerId, hostname: 'x' })
        .expect(404);
      expect(body.code).toBe('provider.not_found');
    }
  });
});

describe('enrolment', () => {
  it('trades a token for a node and its key, once', async () => {
    const { id, key } = await createProvider(service);
    const { body: made } = await service
      .as(key)
      .post(`/v1/providers/${id}/enrollment-tokens`)
      .send({ ttlS: 600 })
      .expect(201);
    expect(Date.parse(made.expiresAt)).toBeGreaterThan(Date.now());
    const enroll = (hostname: string) =>
      service
        .as(null)
        .post('/v1/nodes/enroll')
        .send({ token: made.token, hostname, system: { os: 'Debian 12', cpuCores: 16 } });
    const { body } = await enroll('rig-2').expect(201);
    expect(body.node).toMatchObject({
      providerId: id,
      hostname: 'rig-2',
      system: { os: 'Debian 12', cpuCores: 16 },
    });
    const me = await service.as(body.apiKey).get('/v1/whoami').expect(200);
    expect(me.body).toMatchObject({ role: 'agent', nodeId: body.node.id, providerId: id });
    expect((await enroll('rig-3').expect(409)).body.code).toBe('enrollment.token_used');
  });

  it('keeps the token good when it is refused', async () => {
    const { id } = await createProvider(service);
    await service.as().post('/v1/nodes').send({ providerId: id, hostname: 'taken' }).expect(201);
    const { body: made } = await service.as().post(`/v1/providers/${id}/enrollment-tokens`).expect(201);
    const enroll = (hostname: string) =>
      service.as(null).post('/v1/nodes/enroll').send({ token: made.token, hostname });
    await enroll('taken').expect(409);
    await enroll('free').expect(201);
  });

  it('refuses an expired token, 410, and an unknown one, 401', async () => {
    const { id } = await createProvider(service);
    const { body: made } = await service.as().post(`/v1/providers/${id}/enrollment-tokens`).expect(201);
    await service.sql.query(
      "UPDATE inventory.enrollment_token SET expires_at = clock_timestamp() - interval '1 second' WHERE provider_id = $1",
      [id],
    );
    const enroll = (token: string) =>
      service.as(null).post('/v1/nodes/enroll').send({ token, hostname: 'late' });
    expect((await enroll(made.token).expect(410)).body.code).toBe('enrollment.token_expired');
    expect((await enroll('dpi_enroll_nothing').expect(401)).body.code).toBe('enrollment.invalid_token');
  });

  it('lets one of twenty machines have the token', async () => {
    const { id } = await createProvider(service);
    const { body: made } = await service.as().post(`/v1/providers/${id}/enrollment-tokens`).expect(201);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        service
          .as(null)
          .post('/v1/nodes/enroll')
          .send({ token: made.token, hostname: `race-${n}` }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)]);
  });

  it('makes no token for somebody else, 404', async () => {
    const [mine, other] = [await createProvider(service), await createProvider(service)];
    await service.as(mine.key).post(`/v1/providers/${other.id}/enrollment-tokens`).expect(404);
  });
});

describe('a node', () => {
  it('is seen by its provider and its agent alone, 404', async () => {
    const [node, other] = [await createNode(service), await createNode(service)];
    await service.as(node.key).get(`/v1/nodes/${node.id}`).expect(200);
    await service.as(node.key).get(`/v1/nodes/${other.id}`).expect(404);
    const { body } = await service.as(node.key).get('/v1/nodes').expect(200);
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual([node.id]);
  });

  it('is changed by merge patch', async () => {
    const node = await createNode(service);
    const patched = await patchNode(node.id, 1, {
      region: 'us-east',
      zone: 'z1',
      labels: { rack: '7' },
      system: { os: 'Arch' },
    }).expect(200);
    expect(patched.body).toMatchObject({
      version: 2,
      region: 'us-east',
      zone: 'z1',
      labels: { rack: '7' },
      system: { os: 'Arch' },
    });
    const cleared = await patchNode(node.id, 2, { region: null, zone: null, labels: null }).expect(200);
    expect(cleared.body).toMatchObject({ version: 3, region: 'eu', zone: null, labels: {} });
    await patchNode(node.id, 2, { zone: 'late' }).expect(412);
    await service.as().patch(`/v1/nodes/${node.id}`).send({ zone: 'x' }).expect(428);
    await patchNode(unknown, 1, { zone: 'x' }).expect(404);
  });

  it.each([
    ['lifecycle', { lifecycle: 'maintenance' }, { lifecycle: 'active' }, 'node_not_active'],
    ['eligibility', { eligibility: 'ineligible' }, { eligibility: 'eligible' }, 'node_ineligible'],
  ])('takes its GPUs out and in again by its %s', async (_what, out, back, reason) => {
    const node = await createNode(service);
    const gpu = await newGpu(node.id);
    await patchNode(node.id, 1, out).expect(200);
    expect((await service.as().get(`/v1/gpus/${gpu}`)).body.unschedulableReasons).toContain(reason);
    await patchNode(node.id, 2, back).expect(200);
    expect((await service.as().get(`/v1/gpus/${gpu}`)).body.unschedulableReasons).not.toContain(reason);
  });

  it('is drained, and eligible again', async () => {
    const node = await createNode(service);
    const gpu = await newGpu(node.id);
    const { body } = await service.as().post(`/v1/nodes/${node.id}/drain`).expect(200);
    expect(body).toMatchObject({ eligibility: 'draining', version: 2 });
    expect(body.problems).toContain('node_draining');
    expect((await service.as().get(`/v1/gpus/${gpu}`)).body.unschedulableReasons).toContain('node_draining');
    await service.as().post(`/v1/nodes/${node.id}/drain`).set('if-match', '"1"').send({}).expect(412);
    expect((await service.as().post(`/v1/nodes/${node.id}/drain`).send({}).expect(200)).body.version).toBe(2);
    const back = await patchNode(node.id, 2, { eligibility: 'eligible' }).expect(200);
    expect(back.body).toMatchObject({ eligibility: 'eligible', drainDeadlineAt: null });
  });

  it('is deleted with its GPUs and keys', async () => {
    const node = await createNode(service);
    const gpu = await newGpu(node.id);
    await service.as().delete(`/v1/nodes/${node.id}`).set('if-match', '"1"').expect(204);
    await service.as().get(`/v1/nodes/${node.id}`).expect(404);
    await service.as().get(`/v1/gpus/${gpu}`).expect(404);
    await service.as(node.key).get('/v1/whoami').expect(401);
    await service.as().delete(`/v1/nodes/${node.id}`).set('if-match', '"1"').expect(404);
  });

  it('is found by every filter', async () => {
    const { id: providerId } = await createProvider(service);
    const { body } = await service
      .as()
      .post('/v1/nodes')
      .send({ providerId, hostname: 'findable', region: 'mars', zone: 'z9', labels: { rack: 'r1' } })
      .expect(201);
    await patchNode(body.id, 1, {
      system: { cpuCores: 64, driverVersion: '580.95.05', memoryTotalMb: 262144 },
    }).expect(200);
    for (const filter of [
      'region=mars',
      'hostname=FINDABLE',
      'q=indab&zone=z9',
      'labels.rack=r1&liveness=pending',
      'region=mars&cpuCores.gte=64&driverVersion.gte=580.9&driverVersion.lt=581&minMemoryMb=200000',
    ]) {
      const found = await service.as().get(`/v1/nodes?providerId=${providerId}&${filter}`).expect(200);
      expect([filter, found.body.items.map(({ id }: { id: string }) => id)]).toEqual([filter, [body.id]]);
    }
    expect((await service.as().get('/v1/nodes?region=mars&cpuCores.lt=64')).body.items).toEqual([]);
  });
});

const patchNode = (id: string, version: number, patch: object) =>
  service.as().patch(`/v1/nodes/${id}`).set('if-match', `"${version}"`).send(patch);

async function newGpu(nodeId: string): Promise<string> {
  const input = { nodeId, uuid: `GPU-${randomUUID()}`, vendor: 'nvidia', name: 'Tesla T4' };
  return (await service.as().post('/v1/gpus').send(input).expect(201)).body.id;
}
