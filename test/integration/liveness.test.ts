import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { reasonsOf } from '../../src/kernel/gates.ts';
import { addGpuTo, createKey, createNode, createProvider, type TestNode } from '../support/fleet.ts';
import { startService, type TestService } from '../support/service.ts';

/** The sweeper sleeps: what these tests see is done by heartbeats alone. */
const quiet = { SWEEP_INTERVAL_MS: '3600000' };

describe('heartbeats', () => {
  let service: TestService;
  let node: TestNode;
  beforeAll(async () => {
    service = await startService(quiet);
  });
  beforeEach(async () => {
    node = await createNode(service);
  });
  afterAll(() => service.stop());

  describe('POST /v1/heartbeats', () => {
    it('makes a node online with its first heartbeat, before the 202 is out', async () => {
      const gpu = await addGpuTo(service, node, `GPU-${node.id}`);
      expect(await gateOf(gpu)).toEqual(['node_not_heard']);
      const { body } = await send(node, { sequence: 1 }).expect(202);
      expect(body).toMatchObject({ accepted: true });
      const { body: seen } = await service.as().get(`/v1/nodes/${node.id}`).expect(200);
      expect(seen).toMatchObject({ liveness: 'online', livenessReason: null, version: 2 });
      expect(seen.lastHeartbeatAt).toBe(body.serverTime);
      expect(seen.heartbeatDeadlineAt).toBe(body.deadlineAt);
      expect(await gateOf(gpu)).toEqual([]);
      expect(await changesOf(node)).toEqual(['node.created 1', 'node.online 2']);
    });

    it('makes no version and no event while a node stays online', async () => {
      await send(node, { sequence: 1 }).expect(202);
      const first = (await service.as().get(`/v1/nodes/${node.id}`)).body;
      await send(node, { sequence: 2, status: 'degraded' }).expect(202);
      const second = (await service.as().get(`/v1/nodes/${node.id}`)).body;
      expect(second.version).toBe(first.version);
      expect(second.lastHeartbeatAt > first.lastHeartbeatAt).toBe(true);
      expect(await changesOf(node)).toHaveLength(2);
    });

    it('tells a jittered interval, and a deadline that leaves time for it', async () => {
      const { body } = await send(node, { sequence: 1 }).expect(202);
      expect(body.nextHeartbeatInMs).toBeGreaterThanOrEqual(10_000);
      expect(body.nextHeartbeatInMs).toBeLessThanOrEqual(15_000);
      expect(Date.parse(body.deadlineAt) - Date.parse(body.serverTime)).toBe(20_000);
    });

    it('ignores a sequence that is not above the last one, and keeps it in history', async () => {
      const { body: first } = await send(node, { sequence: 7 }).expect(202);
      for (const sequence of [7, 6, 0]) {
        const { body } = await send(node, { sequence, status: 'maintenance' }).expect(202);
        expect(body).toMatchObject({
          accepted: false,
          ignoredReason: 'stale_sequence',
          deadlineAt: first.deadlineAt,
        });
      }
      expect(await historyOf(node)).toEqual(['7 true', '7 false', '6 false', '0 false']);
      expect(await stateOf(node)).toMatchObject({ sequence: '7', status: 'healthy', liveness: 'online' });
      expect(await changesOf(node)).toHaveLength(2);
    });

    it('goes on from any higher sequence, up to the largest integer', async () => {
      for (const sequence of [0, Date.now(), Number.MAX_SAFE_INTEGER]) {
        expect((await send(node, { sequence }).expect(202)).body.accepted).toBe(true);
      }
    });

    it('takes a moment of sending from any clock; the database decides', async () => {
      const { body } = await send(node, { sequence: 1, sentAt: '9999-12-31T23:59:59+02:00' }).expect(202);
      expect(Math.abs(Date.parse(body.serverTime) - Date.now())).toBeLessThan(60_000);
    });

    it('keeps the latest readings of the GPUs that the node has, however their uuids are spelled', async () => {
      const other = await createNode(service);
      const mine = await addGpuTo(service, node, `GPU-A-${node.id}`);
      const foreign = await addGpuTo(service, other, `GPU-B-${other.id}`);
      await send(node, {
        sequence: 1,
        gpus: [
          { uuid: ` gpu-a-${node.id}`, utilization: 12.5, fanSpeed: 1e-300 },
          {
            uuid: `GPU-A-${node.id}`,
            utilization: 12.5,
            fanSpeed: 1e-300,
            temperatureC: -3,
            xidErrors: [79],
          },
          { uuid: `GPU-B-${other.id}`, utilization: 99 },
          { uuid: 'GPU-nobody-has' },
        ],
      }).expect(202);
      const { rows } = await service.sql.query(
        'SELECT * FROM inventory.gpu_telemetry WHERE gpu_id = ANY($1)',
        [[mine, foreign]],
      );
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatchObject({ gpu_id: mine, utilization: 12.5, fan_speed: 1e-300 });
    });

    it('shuts the gates of a node in maintenance, and opens them again', async () => {
      const gpu = await addGpuTo(service, node, `GPU-${node.id}`);
      await send(node, { sequence: 1 });
      await send(node, { sequence: 2, status: 'maintenance' }).expect(202);
      expect(await gateOf(gpu)).toEqual(['node_maintenance']);
      await send(node, { sequence: 3, status: 'maintenance' }).expect(202);
      await send(node, { sequence: 4 }).expect(202);
      expect(await gateOf(gpu)).toEqual([]);
      expect(await changesOf(node)).toEqual([
        'node.created 1',
        'node.online 2',
        'node.maintenance_started 3',
        'node.maintenance_ended 4',
      ]);
    });

    it('lets a provider and an operator send for a node', async () => {
      const provider = await createProvider(service);
      const own = await createNode(service, provider.id);
      await send({ ...own, key: provider.key }, { sequence: 1 }).expect(202);
      await send({ ...own, key: undefined }, { sequence: 2 }).expect(202);
    });

    it.each([
      ['/nodeId', { nodeId: 'node-1' }],
      ['/sequence', { sequence: -1 }],
      ['/sequence', { sequence: 1.5 }],
      ['/sequence', { sequence: 2 ** 53 }],
      ['/sequence', { sequence: '1' }],
      ['/status', { status: 'fine' }],
      ['/sentAt', { sentAt: 'yesterday' }],
      ['/sentAt', { sentAt: '2026-12-31T23:59:60Z' }],
      ['/systemMetrics/cpuUtilization', { systemMetrics: { cpuUtilization: 100.1 } }],
      ['/systemMetrics/swap', { systemMetrics: { swap: 1 } }],
      ['/gpus/0/uuid', { gpus: [{ utilization: 1 }] }],
      ['/gpus/0/temperatureC', { gpus: [{ uuid: 'G', temperatureC: -101 }] }],
      ['/gpus/0/temperatureC', { gpus: [{ uuid: 'G', temperatureC: 201 }] }],
      ['/gpus/0/memoryUsedMb', { gpus: [{ uuid: 'G', memoryUsedMb: 2 ** 31 }] }],
      ['/gpus/1/fanSpeed', { gpus: [{ uuid: 'G' }, { uuid: 'H', fanSpeed: -1 }] }],
      ['/gpus/0/xidErrors/0', { gpus: [{ uuid: 'G', xidErrors: ['79'] }] }],
      ['/extra', { extra: 1 }],
    ])('answers 400 naming %s for %j, and stores nothing', async (pointer, fields) => {
      const { body } = await send(node, { sequence: 1, ...fields }).expect(400);
      expect(body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
      expect(await historyOf(node)).toEqual([]);
    });

    it('answers 401 without a key and 403 to a role that sends no heartbeats', async () => {
      const heartbeat = { nodeId: node.id, sequence: 1, status: 'healthy' };
      await service.as(null).post('/v1/heartbeats').send(heartbeat).expect(401);
      const viewer = await createKey(service, { role: 'viewer' });
      await service.as(viewer).post('/v1/heartbeats').send(heartbeat).expect(403);
    });

    it('answers 403 for a node that is not the own, whether it exists or not', async () => {
      const { key } = await createProvider(service);
      const agent = await createNode(service);
      for (const sender of [key, agent.key]) {
        for (const nodeId of [node.id, randomUUID()]) {
          const { body } = await send({ ...node, id: nodeId, key: sender }, { sequence: 1 }).expect(403);
          expect(body).toMatchObject({ code: 'heartbeat.foreign_node', errors: [{ pointer: '/nodeId' }] });
        }
      }
      expect(await historyOf(node)).toEqual([]);
    });

    it('answers 404 to an operator for an unknown or deleted node', async () => {
      const { body } = await send({ ...node, id: randomUUID(), key: undefined }, { sequence: 1 }).expect(404);
      expect(body.code).toBe('node.not_found');
      await service.as().delete(`/v1/nodes/${node.id}`).set('if-match', '"1"').expect(204);
      await send({ ...node, key: undefined }, { sequence: 1 }).expect(404);
    });

    it('stores a request with an Idempotency-Key once, and answers its repetition alike', async () => {
      const once = () => send(node, { sequence: 5 }).set('idempotency-key', `beat-${node.id}`).expect(202);
      const first = await once();
      const second = await once();
      expect(second.body).toEqual(first.body);
      expect(second.headers['idempotency-replayed']).toBe('true');
      expect(await historyOf(node)).toEqual(['5 true']);
      expect(await changesOf(node)).toEqual(['node.created 1', 'node.online 2']);
      const other = await send(node, { sequence: 6 }).set('idempotency-key', `beat-${node.id}`).expect(422);
      expect(other.body.code).toBe('idempotency.key_reused');
    });

    it('frees the Idempotency-Key of a refused request', async () => {
      const stranger = await createProvider(service);
      const send403 = () =>
        send({ ...node, key: stranger.key }, { sequence: 1 })
          .set('idempotency-key', 'again')
          .expect(403);
      await send403();
      await send403();
    });
  });

  describe('POST /v1/heartbeats/batch', () => {
    it('counts what it accepts and ignores, and answers each in input order', async () => {
      const second = await createNode(service);
      await send(second, { sequence: 9 });
      const { body } = await batch([beat(node, 1), beat(second, 9), beat(node, 3), beat(node, 2)]).expect(
        202,
      );
      expect(body).toMatchObject({ accepted: 2, ignored: 2 });
      expect(body.results.map((result: { accepted: boolean }) => result.accepted)).toEqual([
        true,
        false,
        true,
        false,
      ]);
      expect(body.results[3].ignoredReason).toBe('stale_sequence');
      expect(await historyOf(node)).toEqual(['1 true', '3 true', '2 false']);
      expect(await stateOf(node)).toMatchObject({ sequence: '3', liveness: 'online' });
      expect(await changesOf(node)).toEqual(['node.created 1', 'node.online 2']);
    });

    it('stores none when one is not of the own nodes, and names it', async () => {
      const provider = await createProvider(service);
      const own = await createNode(service, provider.id);
      const { body } = await batch([beat(own, 1), beat(node, 1)], provider.key).expect(403);
      expect(body).toMatchObject({
        code: 'heartbeat.foreign_node',
        errors: [{ pointer: '/heartbeats/1/nodeId' }],
      });
      const unknown = await batch([beat(node, 1), { ...beat(node, 1), nodeId: randomUUID() }]).expect(404);
      expect(unknown.body.errors[0].pointer).toBe('/heartbeats/1/nodeId');
      expect([...(await historyOf(own)), ...(await historyOf(node))]).toEqual([]);
    });

    it('takes 1,000 heartbeats, and answers 400 to none and to more', async () => {
      const heartbeats = Array.from({ length: 1001 }, (_, sequence) => beat(node, sequence));
      const { body } = await batch(heartbeats.slice(0, 1000)).expect(202);
      expect(body).toMatchObject({ accepted: 1000, ignored: 0 });
      await batch(heartbeats).expect(400);
      await batch([]).expect(400);
    });

    it('names the field and the index of a fault', async () => {
      const { body } = await batch([
        beat(node, 1),
        { ...beat(node, 2), sentAt: '2026-02-30T00:00:00Z' },
      ]).expect(400);
      expect(body.errors[0].pointer).toBe('/heartbeats/1/sentAt');
    });
  });

  describe('GET /v1/heartbeats', () => {
    it('shows what was sent, and null for what was not', async () => {
      await send(node, {
        sequence: 1,
        gpus: [{ uuid: 'GPU-1', utilization: 99.5 }],
        systemMetrics: { uptimeS: 3 },
      });
      const { body } = await list(`nodeId=${node.id}`).expect(200);
      expect(body.items).toEqual([
        expect.objectContaining({
          nodeId: node.id,
          providerId: node.providerId,
          sequence: 1,
          sentAt: null,
          status: 'healthy',
          accepted: true,
          systemMetrics: expect.objectContaining({ uptimeS: 3, cpuUtilization: null }),
          gpus: [
            expect.objectContaining({
              uuid: 'GPU-1',
              utilization: 99.5,
              temperatureC: null,
              xidErrors: null,
            }),
          ],
        }),
      ]);
    });

    it('pages by arrival through all of a range, each once', async () => {
      await batch(Array.from({ length: 5 }, (_, sequence) => beat(node, sequence)));
      await send(node, { sequence: 5 });
      const walked: number[] = [];
      let next: string | null = `/v1/heartbeats?nodeId=${node.id}&limit=2`;
      while (next !== null) {
        const page: Page = await service.as().get(next).expect(200);
        walked.push(...page.body.items.map((item) => item.sequence));
        next =
          page.body.nextCursor && `/v1/heartbeats?nodeId=${node.id}&limit=2&cursor=${page.body.nextCursor}`;
      }
      expect(walked).toEqual([0, 1, 2, 3, 4, 5]);
    });

    it('takes `from` inclusive and `to` exclusive', async () => {
      const { body: sent } = await send(node, { sequence: 1 });
      const before = new Date(Date.parse(sent.serverTime) - 1000).toISOString();
      const after = new Date(Date.parse(sent.serverTime) + 1000).toISOString();
      const within = await list(`nodeId=${node.id}&from=${before}&to=${after}`).expect(200);
      expect(within.body.items).toHaveLength(1);
      expect((await list(`nodeId=${node.id}&from=${after}`).expect(200)).body.items).toEqual([]);
      expect((await list(`nodeId=${node.id}&to=${before}`).expect(200)).body.items).toEqual([]);
    });

    it('shows a provider and an agent their own alone', async () => {
      const provider = await createProvider(service);
      await send(node, { sequence: 1 });
      for (const key of [provider.key, (await createNode(service)).key]) {
        expect((await list(`nodeId=${node.id}`, key).expect(200)).body.items).toEqual([]);
      }
      expect((await list(`nodeId=${node.id}`, node.key).expect(200)).body.items).toHaveLength(1);
    });

    it('answers 400 naming the parameter', async () => {
      expect((await list('').expect(400)).body.errors[0].pointer).toBe('nodeId');
      expect((await list(`nodeId=${node.id}&to=soon`).expect(400)).body.errors[0].pointer).toBe('to');
      expect((await list(`nodeId=${node.id}&colour=red`).expect(400)).body.errors[0].pointer).toBe('colour');
    });
  });

  const send = ({ id, key }: Omit<TestNode, 'key'> & { key?: string | undefined }, fields: object) =>
    service
      .as(key)
      .post('/v1/heartbeats')
      .send({ nodeId: id, status: 'healthy', ...fields });

  const batch = (heartbeats: object[], key?: string) =>
    service.as(key).post('/v1/heartbeats/batch').send({ heartbeats });

  const list = (query: string, key?: string) => service.as(key).get(`/v1/heartbeats?${query}`);

  const column = async (text: string, value: string): Promise<string[]> =>
    (await service.sql.query<{ line: string }>(text, [value])).rows.map(({ line }) => line);

  const changesOf = ({ id }: TestNode) =>
    column(
      `SELECT type || ' ' || version AS line FROM inventory.change
        WHERE subject_type = 'node' AND subject_id = $1 ORDER BY version`,
      id,
    );

  const historyOf = ({ id }: TestNode) =>
    column(
      `SELECT sequence || ' ' || accepted AS line FROM inventory.heartbeat WHERE node_id = $1 ORDER BY received_at, id`,
      id,
    );

  const stateOf = async ({ id }: TestNode) =>
    (await service.sql.query('SELECT * FROM inventory.node_heartbeat WHERE node_id = $1', [id])).rows[0];

  const gateOf = async (gpuId: string) =>
    reasonsOf(
      (
        await service.sql.query('SELECT blocks FROM inventory.gpu_state WHERE gpu_id = $1 AND version = 1', [
          gpuId,
        ])
      ).rows[0].blocks,
    );
});

const beat = ({ id }: TestNode, sequence: number) => ({ nodeId: id, sequence, status: 'healthy' });

interface Page {
  body: { items: { sequence: number }[]; nextCursor: string | null };
}

describe('pacing', () => {
  it('stretches the interval of a fleet that is larger than its target rate allows', async () => {
    const first = await startService(quiet);
    const node = await createNode(first);
    await first.sql.query(
      `INSERT INTO inventory.node_heartbeat (node_id, provider_id)
       SELECT gen_random_uuid(), gen_random_uuid() FROM generate_series(1, 29)`,
    );
    const second = await startService({ ...quiet, HEARTBEAT_TARGET_RATE: '2' }, first.database);
    const { body } = await second.as(node.key).post('/v1/heartbeats').send(beat(node, 1)).expect(202);
    expect(body.nextHeartbeatInMs).toBeGreaterThanOrEqual(15_000);
    expect(Date.parse(body.deadlineAt) - Date.parse(body.serverTime)).toBe(30_000);
    await second.stop();
    await first.stop();
  });
});
