import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createKey, createNode, type TestNode } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInput, gpuInputs } from '../support/gpu-inputs.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let operator: Client;
beforeAll(async () => {
  service = await startService();
  operator = service.as();
});
afterAll(() => service.stop());
afterEach(async () => {
  expect(await versionFaults(service.sql)).toEqual([]);
});

describe('a health check', () => {
  it('is stored with severity and action of the catalogue, 201', async () => {
    const { node, gpuId } = await setup();
    const given = {
      gpuId,
      check: 'xid',
      outcome: 'failed',
      code: '79',
      message: 'GPU has fallen off the bus',
      underLoad: true,
      observedAt: '2026-01-02T03:04:05+02:00',
      raw: { pid: 4242, lines: ['NVRM: Xid (PCI:0000:03:00): 79'] },
    };
    const { body } = await service.as(node.key).post('/v1/health-checks').send(given).expect(201);
    expect(body).toEqual({
      ...given,
      id: expect.any(String),
      nodeId: node.id,
      providerId: node.providerId,
      fatal: true,
      recommendedAction: 'restart_node',
      observedAt: '2026-01-02T01:04:05.000Z',
      source: expect.stringMatching(/^agent:[0-9a-f-]{36}$/),
      createdAt: expect.any(String),
    });
    expect(await listed(`gpuId=${gpuId}`)).toEqual([body]);
  });

  it('shows unknown fields as null, and counts from its arrival', async () => {
    const { gpuId } = await setup();
    const body = await report({ gpuId, check: 'ecc', outcome: 'ok' });
    expect(body).toMatchObject({
      code: null,
      message: null,
      raw: null,
      fatal: false,
      underLoad: false,
      recommendedAction: 'none',
    });
    expect(Date.parse(body.observedAt)).toBeLessThanOrEqual(Date.parse(body.createdAt));
  });

  it('is about one GPU or one node, 400', async () => {
    const { node, gpuId } = await setup();
    const check = { check: 'ecc', outcome: 'ok' };
    expect(await refused(check, 400)).toMatchObject({ errors: [{ pointer: '/gpuId' }] });
    expect(await refused({ ...check, gpuId, nodeId: node.id }, 400)).toMatchObject({
      errors: [{ pointer: '/nodeId' }],
    });
  });

  it('names the field that is wrong, 400', async () => {
    const { gpuId } = await setup();
    const good = { gpuId, check: 'ecc', outcome: 'ok' };
    const soon = new Date(Date.now() + 400_000).toISOString();
    const faults: [string, object][] = [
      ['/check', { check: '' }],
      ['/check', { check: 'x'.repeat(65) }],
      ['/code', { code: '' }],
      ['/outcome', { outcome: 'fine' }],
      ['/fatal', { fatal: true }],
      ['/fatal', { outcome: 'warning', fatal: true }],
      ['/observedAt', { observedAt: soon }],
      ['/observedAt', { observedAt: 'yesterday' }],
      ['/raw', { raw: 'text' }],
      ['/raw', { raw: { dump: 'x'.repeat(20_000) } }],
      ['/recommendedAction', { recommendedAction: 'none' }],
    ];
    for (const [pointer, more] of faults) {
      expect(await refused({ ...good, ...more }, 400)).toMatchObject({ errors: [{ pointer }] });
    }
    expect(await listed(`gpuId=${gpuId}`)).toEqual([]);
  });

  it('of a GPU or node that is unknown, or not the agent’s own, is not found, 404', async () => {
    const { gpuId, node } = await setup();
    const stranger = await createNode(service);
    const check = { check: 'ecc', outcome: 'ok' };
    const agent = service.as(stranger.key);
    for (const id of [gpuId, randomUUID()]) {
      const { body } = await agent
        .post('/v1/health-checks')
        .send({ ...check, gpuId: id })
        .expect(404);
      expect(body.code).toBe('gpu.not_found');
    }
    for (const id of [node.id, randomUUID()]) {
      const { body } = await agent
        .post('/v1/health-checks')
        .send({ ...check, nodeId: id })
        .expect(404);
      expect(body.code).toBe('node.not_found');
    }
  });

  it('comes from agents, verifiers and operators alone, 403 and 401', async () => {
    const { node, gpuId } = await setup();
    const check = { gpuId, check: 'ecc', outcome: 'ok' };
    await service.as(null).post('/v1/health-checks').send(check).expect(401);
    const provider = await createKey(service, { role: 'provider', providerId: node.providerId });
    await service.as(provider).post('/v1/health-checks').send(check).expect(403);
    const verifier = await createKey(service, { role: 'verifier' });
    await service.as(verifier).post('/v1/health-checks').send(check).expect(201);
  });

  it('is stored once for one Idempotency-Key', async () => {
    const { gpuId } = await setup();
    const send = () =>
      operator
        .post('/v1/health-checks')
        .set('idempotency-key', 'h-1')
        .send({ gpuId, check: 'ecc', outcome: 'failed' })
        .expect(201);
    const [first, again] = [await send(), await send()];
    expect(again.body).toEqual(first.body);
    expect(await listed(`gpuId=${gpuId}`)).toHaveLength(1);
    expect(await transitions(gpuId)).toHaveLength(1);
  });
});

describe('the health of a GPU', () => {
  it('is unknown at first, then what its checks say', async () => {
    const { gpuId } = await setup();
    expect(await healthOf(gpuId)).toBe('unknown');
    await report({ gpuId, check: 'ecc', outcome: 'ok' });
    expect(await healthOf(gpuId)).toBe('ok');
    await report({ gpuId, check: 'ecc', outcome: 'warning', code: 'correctable' });
    expect(await healthOf(gpuId)).toBe('warning');
    expect((await getGpu(service, gpuId)).unschedulableReasons).not.toContain('gpu_failed');
  });

  it('takes exactly that GPU out when it fails, and the reason shows on GPU, node and provider', async () => {
    const { node, gpuIds } = await setup(3);
    const [broken = '', ...others] = gpuIds;
    await report({ gpuId: broken, check: 'xid', outcome: 'failed', code: '48' });
    expect(await getGpu(service, broken)).toMatchObject({
      health: 'failed',
      schedulable: false,
      unschedulableReasons: expect.arrayContaining(['gpu_failed']),
    });
    for (const id of others) {
      expect((await getGpu(service, id)).unschedulableReasons).not.toContain('gpu_failed');
    }
    for (const path of [`/v1/nodes/${node.id}`, `/v1/providers/${node.providerId}`]) {
      expect((await operator.get(path).expect(200)).body.problems).toContain('gpu_failed');
    }
  });

  it('returns with the failed check clean and one check clean under load', async () => {
    const { gpuId } = await setup();
    await report({ gpuId, check: 'xid', outcome: 'failed', code: '79' });
    await report({ gpuId, check: 'xid', outcome: 'ok' });
    await report({ gpuId, check: 'ecc', outcome: 'ok' });
    expect(await healthOf(gpuId)).toBe('failed');
    await report({ gpuId, check: 'burn_in', outcome: 'ok', underLoad: true });
    expect(await getGpu(service, gpuId)).toMatchObject({ health: 'ok' });
    expect((await getGpu(service, gpuId)).unschedulableReasons).not.toContain('gpu_failed');
  });

  it('is not changed by an observation older than the latest of its check', async () => {
    const { gpuId } = await setup();
    await report({ gpuId, check: 'xid', outcome: 'ok', observedAt: '2026-01-02T00:00:00Z' });
    await report({ gpuId, check: 'xid', outcome: 'failed', observedAt: '2026-01-01T00:00:00Z' });
    expect(await healthOf(gpuId)).toBe('ok');
    expect(await listed(`gpuId=${gpuId}`)).toHaveLength(2);
  });

  it('follows the worse of two observations of one moment, in either order', async () => {
    const { gpuIds } = await setup(2);
    const [first = '', second = ''] = gpuIds;
    const observedAt = '2026-01-02T00:00:00Z';
    for (const [mild, worse] of [
      ['ok', 'warning'],
      ['ok', 'failed'],
    ]) {
      for (const outcome of [mild, worse]) await report({ gpuId: first, check: 'xid', outcome, observedAt });
      for (const outcome of [worse, mild]) await report({ gpuId: second, check: 'xid', outcome, observedAt });
      expect(await Promise.all([first, second].map(healthOf))).toEqual([worse, worse]);
    }
  });

  it('takes spellings of one check for one check', async () => {
    const { gpuId } = await setup();
    await report({ gpuId, check: 'XID', outcome: 'warning' });
    await report({ gpuId, check: 'xid ', outcome: 'ok' });
    expect(await healthOf(gpuId)).toBe('ok');
  });

  it('makes one version and one event for each transition, and none for a repetition', async () => {
    const { gpuId } = await setup();
    const { version } = await getGpu(service, gpuId);
    const outcomes = ['ok', 'ok', 'failed', 'failed', 'ok'];
    for (const outcome of outcomes) await report({ gpuId, check: 'xid', code: '79', outcome });
    await report({ gpuId, check: 'burn_in', outcome: 'ok', underLoad: true });
    expect((await getGpu(service, gpuId)).version).toBe(version + 3);
    expect(await transitions(gpuId)).toEqual([
      { before: 'unknown', after: 'ok', reason: 'xid 79 ok' },
      { before: 'ok', after: 'failed', reason: 'xid 79 failed' },
      { before: 'failed', after: 'ok', reason: 'burn_in ok' },
    ]);
  });
});

describe('the health of a node', () => {
  it('takes all of its GPUs out when it fails, and gives them back', async () => {
    const { node, gpuIds } = await setup(2);
    const other = await setup();
    const { version } = (await operator.get(`/v1/nodes/${node.id}`)).body;
    const gpu = await getGpu(service, gpuIds[0] ?? '');
    await service
      .as(node.key)
      .post('/v1/health-checks')
      .send({ nodeId: node.id, check: 'driver', outcome: 'failed', code: 'not_loaded' })
      .expect(201);
    for (const id of gpuIds) expect(await reasonsOf(id)).toContain('node_failed');
    expect(await reasonsOf(other.gpuId)).not.toContain('node_failed');
    const failed = (await operator.get(`/v1/nodes/${node.id}`)).body;
    expect(failed).toMatchObject({ version: version + 1, problems: expect.arrayContaining(['node_failed']) });
    expect((await getGpu(service, gpu.id)).version).toBe(gpu.version);

    await report({ nodeId: node.id, check: 'driver', outcome: 'ok', underLoad: true });
    for (const id of gpuIds) expect(await reasonsOf(id)).not.toContain('node_failed');
    expect(await transitions(node.id)).toEqual([
      { before: 'unknown', after: 'failed', reason: 'driver not_loaded failed' },
      { before: 'failed', after: 'ok', reason: 'driver ok' },
    ]);
  });

  it('counts for a GPU that joins later', async () => {
    const { node } = await setup();
    const empty = await createNode(service, node.providerId);
    await report({ nodeId: empty.id, check: 'driver', outcome: 'failed' });
    const [gpu] = await createGpus(service, empty, [gpuInput()]);
    expect(await reasonsOf(gpu?.id ?? '')).toContain('node_failed');
  });
});

describe('the list of health checks', () => {
  it('is filtered by every documented property', async () => {
    const { node, gpuId } = await setup();
    await report({ gpuId, check: 'ecc', outcome: 'ok', observedAt: '2026-01-01T00:00:00Z' });
    const failed = await report({
      gpuId,
      check: 'xid',
      outcome: 'failed',
      code: '79',
      underLoad: true,
      observedAt: '2026-01-02T00:00:00Z',
    });
    const filters = [
      'check=XID',
      'outcome=failed',
      'code=79',
      'fatal=true',
      'underLoad=true',
      'recommendedAction=restart_node',
      'observedAt.gte=2026-01-02T00:00:00Z',
    ];
    for (const filter of filters) expect(await listed(`gpuId=${gpuId}&${filter}`)).toEqual([failed]);
    expect(await listed(`nodeId=${node.id}`)).toHaveLength(2);
    expect(await listed(`providerId=${node.providerId}&source=${failed.source}`)).toHaveLength(2);
    expect(await listed(`gpuId=${gpuId}&source=operator`)).toHaveLength(2);
    expect(await listed(`gpuId=${gpuId}&source.ne=operator`)).toHaveLength(0);
    const newest = await listed(`gpuId=${gpuId}&sort=-observedAt&limit=1&fields=check`);
    expect(newest).toEqual([{ id: failed.id, check: 'xid' }]);
    await operator.get('/v1/health-checks?colour=red').expect(400);
  });

  it('shows a provider and an agent their own', async () => {
    const [mine, other] = [await setup(), await setup()];
    for (const { gpuId } of [mine, other]) await report({ gpuId, check: 'ecc', outcome: 'ok' });
    const provider = await createKey(service, { role: 'provider', providerId: mine.node.providerId });
    for (const key of [provider, mine.node.key]) {
      const { body } = await service.as(key).get('/v1/health-checks').expect(200);
      expect(body.items.map((check: { gpuId: string }) => check.gpuId)).toEqual([mine.gpuId]);
    }
    await service.as(null).get('/v1/health-checks').expect(401);
  });
});

async function setup(count = 1): Promise<{ node: TestNode; gpuIds: string[]; gpuId: string }> {
  const node = await createNode(service);
  const gpuIds = (await createGpus(service, node, gpuInputs(count))).map(({ id }) => id);
  return { node, gpuIds, gpuId: gpuIds[0] ?? '' };
}

const report = async (check: object) =>
  (await operator.post('/v1/health-checks').send(check).expect(201)).body;

const refused = async (check: object, status: number) =>
  (await operator.post('/v1/health-checks').send(check).expect(status)).body;

const listed = async (query: string) =>
  (await operator.get(`/v1/health-checks?${query}`).expect(200)).body.items;

const healthOf = async (gpuId: string) => (await getGpu(service, gpuId)).health;
const reasonsOf = async (gpuId: string) => (await getGpu(service, gpuId)).unschedulableReasons;

async function transitions(subjectId: string) {
  const { rows } = await service.sql.query(
    `SELECT diff -> 'before' ->> 'health' AS before, diff -> 'after' ->> 'health' AS after, reason
       FROM inventory.change WHERE subject_id = $1 AND type LIKE '%.health_changed' ORDER BY version`,
    [subjectId],
  );
  return rows;
}
