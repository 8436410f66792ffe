import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createKey, createNode, createProvider, type TestNode } from '../support/fleet.ts';
import { openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';
import { createSweeper, miss, type TestSweeper } from '../support/sweeping.ts';

let service: TestService;
let sweepers: TestSweeper[];
let nodes: TestNode[];
let sequence = 0;
beforeAll(async () => {
  service = await startService({ SWEEP_INTERVAL_MS: '3600000' });
});
afterAll(async () => {
  expect(await versionFaults(service.sql)).toEqual([]);
  await service.stop();
});
/** Ten nodes are heard, then none of them is: the breaker trips. */
beforeEach(async () => {
  await service.sql.query('DELETE FROM inventory.node_heartbeat');
  await release();
  sweepers = [createSweeper(service), createSweeper(service)];
  const { id } = await createProvider(service);
  nodes = [];
  for (let n = 0; n < 10; n++) nodes.push(await createNode(service, id));
  await hear(nodes);
  await sweep();
  await miss(service, nodes, 11);
  await sweep();
});
afterEach(async () => {
  await Promise.all(sweepers.map((one) => one.close()));
});

/** Both replicas at once. */
const sweep = () => Promise.all(sweepers.map((one) => one.sweep()));
const passSeconds = (seconds: number) => {
  for (const one of sweepers) one.passSeconds(seconds);
};
const hear = async (some: readonly TestNode[]) => {
  for (const { id, key } of some) {
    await service
      .as(key)
      .post('/v1/heartbeats')
      .send({ nodeId: id, sequence: ++sequence, status: 'healthy' })
      .expect(202);
  }
};
/** As if heartbeats of those that are heard went on coming. */
const beOnTime = () =>
  service.sql.query(
    `UPDATE inventory.node_heartbeat SET deadline_at = now() + interval '1 day' WHERE liveness = 'online'`,
  );
const breaker = async (key?: string) => (await service.as(key).get('/v1/liveness/breaker').expect(200)).body;
const release = (body: object = {}, key?: string) =>
  service.as(key).post('/v1/liveness/breaker/release').send(body);
const states = async (): Promise<Record<string, number>> =>
  (
    await service.sql.query(
      `SELECT jsonb_object_agg(liveness, n) AS states
         FROM (SELECT liveness, count(*) AS n FROM inventory.node_heartbeat GROUP BY 1) h`,
    )
  ).rows[0].states;
const eventsSince = async (id: number): Promise<Record<string, number>> =>
  (
    await service.sql.query(
      `SELECT coalesce(jsonb_object_agg(type, n), '{}') AS events
         FROM (SELECT type, count(*) AS n FROM inventory.change WHERE id > $1 GROUP BY 1) c`,
      [id],
    )
  ).rows[0].events;
const lastChange = async (): Promise<number> =>
  (await service.sql.query('SELECT max(id)::integer AS id FROM inventory.change')).rows[0].id;
const kinds = async () =>
  (
    await service.sql.query(
      `SELECT kind, ended_at IS NULL AS open, count(*)::integer AS n FROM inventory.incident
        WHERE node_id = ANY($1) GROUP BY 1, 2 ORDER BY 1, 2`,
      [nodes.map(({ id }) => id)],
    )
  ).rows;

it('GET /v1/liveness/breaker says what is held back, to operators and viewers', async () => {
  expect(await states()).toEqual({ unknown: 10 });
  const viewer = await createKey(service, { role: 'viewer' });
  expect(await breaker(viewer)).toEqual({
    tripped: true,
    trips: [{ id: expect.any(String), trippedAt: expect.any(String), nodes: 10, watched: 10, unheard: 10 }],
  });
  await hear(nodes.slice(0, 2));
  expect((await breaker()).trips[0].unheard).toBe(8);
  await release({}, viewer).expect(403);
});

it('holds nodes back for as long as nobody releases it', async () => {
  for (let minutes = 0; minutes < 60; minutes++) {
    passSeconds(5);
    await sweep();
  }
  expect(await states()).toEqual({ unknown: 10 });
  expect(await kinds()).toEqual([{ kind: 'unknown', open: true, n: 10 }]);
});

describe('a release by an operator', () => {
  it('gives the nodes one more window to be heard in, then judges them as usual', async () => {
    const before = await lastChange();
    const { body } = await release({ reason: 'their site is down' }).expect(200);
    expect(body).toEqual({ trips: 1, nodes: 10 });
    expect(await breaker()).toEqual({ tripped: false, trips: [] });
    await hear(nodes.slice(0, 1));
    await beOnTime();
    await sweep();
    expect(await states()).toEqual({ unknown: 9, online: 1 });
    for (const _ of Array(7)) {
      passSeconds(5);
      await sweep();
    }
    expect(await states()).toEqual({ offline: 9, online: 1 });
    expect(await eventsSince(before)).toEqual({
      'breaker.released': 1,
      'node.online': 1,
      'node.offline': 9,
    });
    expect(await kinds()).toEqual([
      { kind: 'offline', open: true, n: 9 },
      { kind: 'unknown', open: false, n: 1 },
    ]);
  });

  it('happens once, of any number at once; with nothing held back it does nothing', async () => {
    const before = await lastChange();
    const answers = await Promise.all(Array.from({ length: 8 }, () => release()));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(answers.reduce((sum, { body }) => sum + body.nodes, 0)).toBe(10);
    expect(await eventsSince(before)).toEqual({ 'breaker.released': 1 });
    expect((await release().expect(200)).body).toEqual({ trips: 0, nodes: 0 });
  });
});

describe('proof of reachability', () => {
  it('releases the breaker once half of its nodes were heard again, and not before', async () => {
    await hear(nodes.slice(0, 4));
    await sweep();
    expect((await breaker()).tripped).toBe(true);
    const before = await lastChange();
    await hear(nodes.slice(4, 5));
    await sweep();
    expect((await breaker()).tripped).toBe(false);
    expect(await eventsSince(before)).toEqual({ 'node.online': 1, 'breaker.released': 1 });
    const { rows } = await service.sql.query(
      'SELECT release_reason AS reason FROM inventory.breaker_trip ORDER BY tripped_at DESC LIMIT 1',
    );
    expect(rows).toEqual([{ reason: 'reachability_proved' }]);
    await beOnTime();
    for (const _ of Array(7)) {
      passSeconds(5);
      await sweep();
    }
    expect(await states()).toEqual({ online: 5, offline: 5 });
  });
});

it('is tripped at once for all, however many they are, and makes them unknown step by step', async () => {
  await hear(nodes);
  await beOnTime();
  await miss(service, nodes, 11);
  const stepwise = createSweeper(service, {}, { stepSize: 3 });
  sweepers.push(stepwise);
  const before = await lastChange();
  await stepwise.sweep();
  expect(await states()).toEqual({ unknown: 10 });
  expect(await eventsSince(before)).toEqual({
    'breaker.released': 1,
    'breaker.tripped': 1,
    'node.unknown': 10,
  });
  expect((await breaker()).trips).toMatchObject([{ nodes: 10, watched: 10, unheard: 10 }]);
  const { rows } = await service.sql.query(
    `SELECT max(n)::integer AS most FROM (
       SELECT count(*) AS n FROM inventory.change WHERE id > $1 GROUP BY xmin::text) AS of_transaction`,
    [before],
  );
  expect(rows).toEqual([{ most: 3 }]);
});

it('is not proved by deleting nodes: those that are left are still held back', async () => {
  for (const { id } of nodes.slice(0, 6))
    await service.as().delete(`/v1/nodes/${id}`).set('if-match', '*').expect(204);
  await sweep();
  expect((await breaker()).trips).toMatchObject([{ nodes: 4, unheard: 4 }]);
  await hear(nodes.slice(6, 8));
  await sweep();
  expect((await breaker()).tripped).toBe(false);
});

describe('nodes that fall silent together, with a sweep between them', () => {
  let sweeper: TestSweeper;
  /** Two are past the grace at the next sweep, three by the one after it; the others are heard. */
  beforeEach(async () => {
    sweeper = createSweeper(service, { graceS: 100, sweepIntervalMs: 50_000 });
    sweepers.push(sweeper);
    await hear(nodes);
    await beOnTime();
    await miss(service, nodes.slice(0, 2), 101);
    await miss(service, nodes.slice(2, 5), 60);
    await sweeper.sweep();
    await sweeper.sweep();
    expect(await states()).toEqual({ late: 5, online: 5 });
  });

  it('are held back together', async () => {
    const before = await lastChange();
    sweeper.passSeconds(45);
    await sweeper.sweep();
    expect(await states()).toEqual({ unknown: 5, online: 5 });
    expect(await eventsSince(before)).toEqual({ 'breaker.tripped': 1, 'node.unknown': 5 });
  });

  it('go offline as usual where enough of them are heard before that', async () => {
    await hear(nodes.slice(2, 5));
    await beOnTime();
    await sweeper.sweep();
    expect(await states()).toEqual({ offline: 2, online: 8 });
  });
});

describe('nodes that fall silent at once, each heard at another moment of the interval', () => {
  /** Five of ten, with deadlines two seconds apart, looked for once a second. */
  beforeEach(async () => {
    await hear(nodes);
    await beOnTime();
    for (const [index, node] of nodes.slice(0, 5).entries()) await miss(service, [node], 2 * index);
  });

  it('are held back as soon as they are enough; the rest, too few by themselves, goes offline', async () => {
    const before = await lastChange();
    for (let second = 0; second < 14; second++) {
      await sweep();
      passSeconds(1);
    }
    expect(await states()).toEqual({ unknown: 3, offline: 2, online: 5 });
    expect(await eventsSince(before)).toMatchObject({ 'breaker.tripped': 1, 'node.unknown': 3 });
  });

  it('do not wait for ever where others are late again and again', async () => {
    const pass = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        await service.sql.query(
          `UPDATE inventory.node_heartbeat SET deadline_at = deadline_at + interval '1 second' WHERE node_id = ANY($1)`,
          [nodes.slice(0, 4).map(({ id }) => id)],
        );
        await sweep();
        passSeconds(1);
      }
    };
    await pass(10);
    expect(await states()).toEqual({ late: 4, online: 6 });
    await pass(20);
    expect(await states()).toEqual({ late: 3, offline: 1, online: 6 });
  });
});

it('leaves allocations alone', async () => {
  await service.sql.query('DELETE FROM inventory.node_heartbeat');
  const open = [
    await openNode(service, { gpus: 1 }),
    await openNode(service, { gpus: 1 }),
    await openNode(service, { gpus: 1 }),
  ];
  const { tenant, gpuIds } = open[0] as (typeof open)[0];
  const { body } = await service.as(tenant.key).post('/v1/allocations').send({ gpuIds }).expect(201);
  await miss(
    service,
    open.map(({ node }) => node),
    11,
  );
  await sweep();
  expect(await states()).toEqual({ unknown: 3 });
  const seen = await service.as(tenant.key).get(`/v1/allocations/${body.id}`).expect(200);
  expect(seen.body).toEqual(body);
});
