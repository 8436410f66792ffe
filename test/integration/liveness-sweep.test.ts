import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { reasonsOf } from '../../src/kernel/gates.ts';
import { addGpuTo, createNode, createProvider, type TestNode } from '../support/fleet.ts';
import { openDatabase } from '../support/kernel.ts';
import { startService, type TestService } from '../support/service.ts';
import { createSweeper, miss, type TestSweeper } from '../support/sweeping.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

describe('the sweeper', () => {
  let service: TestService;
  let sweeper: TestSweeper;
  let providerId: string;
  const open: TestSweeper[] = [];
  beforeAll(async () => {
    service = await startService({ SWEEP_INTERVAL_MS: '3600000' });
    providerId = (await createProvider(service)).id;
    sweeper = another();
  });
  beforeEach(async () => {
    await service.sql.query('DELETE FROM inventory.node_heartbeat');
  });
  afterAll(async () => {
    await Promise.all(open.map((one) => one.close()));
    await service.stop();
  });

  it('makes a silent node late at its deadline and offline after the grace, each once', async () => {
    const [node] = await onlineNodes(1);
    const gpu = await addGpuTo(service, node, `GPU-${node.id}`);
    await service.sql.query('UPDATE inventory.gpu_state SET blocks = 0 WHERE gpu_id = $1', [gpu]);
    await sweep(sweeper);
    expect(await livenessOf(node)).toBe('online');
    await miss(service, [node], 1);
    await sweep(sweeper, sweeper);
    expect(await livenessOf(node)).toBe('late');
    expect(await gatesOf(gpu)).toEqual([]);
    await miss(service, [node], 11);
    await sweep(sweeper, sweeper);
    expect(await livenessOf(node)).toBe('offline');
    expect(await gatesOf(gpu)).toEqual(['node_offline']);
    expect(await changesOf(node)).toEqual([
      'node.created 1',
      'node.online 2',
      'node.late 3',
      'node.offline 4',
    ]);
    const { body } = await service.as().get(`/v1/nodes/${node.id}`);
    expect(body).toMatchObject({ liveness: 'offline', livenessReason: 'not_heard', version: 4 });
  });

  it('lets one heartbeat make an offline node online at once', async () => {
    const [node] = await onlineNodes(1);
    const gpu = await addGpuTo(service, node, `GPU-${node.id}`);
    await miss(service, [node], 11);
    await sweep(sweeper, sweeper);
    expect(await gatesOf(gpu)).toEqual(['node_offline']);
    await beat(node, 2);
    expect(await livenessOf(node)).toBe('online');
    expect(await gatesOf(gpu)).toEqual([]);
    await sweep(sweeper);
    expect((await changesOf(node)).slice(-2)).toEqual(['node.offline 4', 'node.online 5']);
  });

  it('lets a late node come back with a version and an event of its own', async () => {
    const [node] = await onlineNodes(1);
    await miss(service, [node], 1);
    await sweep(sweeper);
    await beat(node, 2);
    expect((await changesOf(node)).slice(-2)).toEqual(['node.late 3', 'node.online 4']);
  });

  it('leaves a replayed heartbeat without effect on an offline node', async () => {
    const [node] = await onlineNodes(1);
    await miss(service, [node], 11);
    await sweep(sweeper, sweeper);
    await beat(node, 1);
    expect(await livenessOf(node)).toBe('offline');
  });

  it('is not needed for a read to say late: a dead sweeper cannot lie', async () => {
    const [node] = await onlineNodes(1);
    await miss(service, [node], 3600);
    const { body } = await service.as().get(`/v1/nodes/${node.id}`).expect(200);
    expect(body).toMatchObject({ liveness: 'late', version: 2 });
  });

  it('leaves nodes alone that were never heard', async () => {
    const node = await createNode(service, providerId);
    await sweep(sweeper, sweeper);
    expect(await livenessOf(node)).toBe('pending');
  });

  it('leaves alone what another transaction changes, and comes back to it', async () => {
    const [node] = await onlineNodes(1);
    await miss(service, [node], 1);
    const other = await service.sql.connect();
    await other.query('BEGIN');
    await other.query('SELECT FROM inventory.node WHERE id = $1 FOR UPDATE', [node.id]);
    await sweep(sweeper);
    await other.query('ROLLBACK');
    other.release();
    expect(await livenessOf(node)).toBe('online');
    await sweep(sweeper);
    expect(await livenessOf(node)).toBe('late');
  });

  it('leaves the nodes to another replica that sweeps them now', async () => {
    const [node] = await onlineNodes(1);
    await miss(service, [node], 1);
    const other = await service.sql.connect();
    await other.query(`SELECT pg_advisory_lock(hashtext('inventory.liveness.sweep'))`);
    await sweep(sweeper);
    await other.query('SELECT pg_advisory_unlock_all()');
    other.release();
    expect(await livenessOf(node)).toBe('online');
  });

  describe('after a start', () => {
    it('takes nobody offline, and holds no deadline before it against anybody, until the failover grace ends', async () => {
      const [before, after] = await onlineNodes(2);
      const started = another({ failoverGraceS: 300 });
      await miss(service, [before], 200);
      await sweep(started);
      await miss(service, [after], -5);
      for (const _ of Array(59)) {
        started.passSeconds(5);
        await sweep(started);
      }
      expect([await livenessOf(before), await livenessOf(after)]).toEqual(['online', 'late']);
      started.passSeconds(5);
      await sweep(started, started);
      expect([await livenessOf(before), await livenessOf(after)]).toEqual(['offline', 'offline']);
      expect((await changesOf(before)).slice(2)).toEqual(['node.late 3', 'node.offline 4']);
    });

    it('does not take the pauses between sweeps for gaps, however short the grace is', async () => {
      const [node] = await onlineNodes(1);
      const started = another({ failoverGraceS: 30, graceS: 0 });
      await miss(service, [node], 1);
      for (const _ of Array(8)) {
        await sweep(started);
        started.passSeconds(5);
      }
      expect(await livenessOf(node)).toBe('offline');
    });

    it('begins anew after an outage that is shorter than a busy process may pause, where a node lives by seconds', async () => {
      const [node] = await onlineNodes(1);
      const proxy = await startTcpProxy(Number(new URL(service.database.url).port));
      const url = new URL(service.database.url);
      url.port = String(proxy.port);
      const brief = { failoverGraceS: 8, graceS: 1 };
      const away = createSweeper(service, brief, { db: openDatabase(url.href), windowMs: 2000 });
      open.push(away);
      await miss(service, [node], -12);
      await sweep(away);
      away.passSeconds(8);
      await sweep(away);
      proxy.lead(null);
      await expect(away.sweep()).rejects.toMatchObject({ status: 503 });
      proxy.lead(Number(new URL(service.database.url).port));
      away.passSeconds(8);
      await sweep(away, away);
      expect(await livenessOf(node)).toBe('online');
      away.passSeconds(8);
      await sweep(away, away);
      expect(await livenessOf(node)).toBe('offline');
      await proxy.close();
    });

    it('begins anew after a gap, such as an outage of the database', async () => {
      const [node] = await onlineNodes(1);
      const started = another({ failoverGraceS: 30 });
      const minute = async () => {
        for (const _ of Array(7)) {
          await sweep(started);
          started.passSeconds(5);
        }
      };
      await miss(service, [node], -50);
      await minute();
      started.passSeconds(60);
      await sweep(started, started);
      expect(await livenessOf(node)).toBe('online');
      await minute();
      await sweep(started);
      expect(await livenessOf(node)).toBe('offline');
    });
  });

  describe('when many expire at once', () => {
    it('makes them unknown instead of offline, with one breaker event, and the rest goes on as usual', async () => {
      const nodes = await onlineNodes(14);
      const gpu = await addGpuTo(service, nodes[0], `GPU-${nodes[0].id}`);
      const since = await lastChange();
      await miss(service, nodes.slice(0, 3), 11);
      await miss(service, nodes.slice(3, 5), 1);
      await sweep(sweeper, sweeper);
      expect(await Promise.all(nodes.slice(0, 6).map(livenessOf))).toEqual([
        'unknown',
        'unknown',
        'unknown',
        'late',
        'late',
        'online',
      ]);
      expect(await gatesOf(gpu)).toEqual(['node_not_heard']);
      expect(await eventsSince(since)).toEqual({ 'breaker.tripped': 1, 'node.unknown': 3, 'node.late': 2 });
      await miss(service, nodes.slice(3, 5), 11);
      await sweep(sweeper);
      expect(await Promise.all(nodes.slice(3, 5).map(livenessOf))).toEqual(['offline', 'offline']);
    });

    it('says why, and a heartbeat makes each online at once', async () => {
      const nodes = await onlineNodes(3);
      await miss(service, nodes, 11);
      await sweep(sweeper);
      const { body } = await service.as().get(`/v1/nodes/${nodes[1].id}`);
      expect(body).toMatchObject({ liveness: 'unknown', livenessReason: 'mass_expiry' });
      await beat(nodes[1], 2);
      expect(await Promise.all(nodes.map(livenessOf))).toEqual(['unknown', 'online', 'unknown']);
    });

    it('does not mind two of two, nor a share that is not exceeded', async () => {
      const two = await onlineNodes(2);
      await miss(service, two, 11);
      await sweep(sweeper, sweeper);
      expect(await Promise.all(two.map(livenessOf))).toEqual(['offline', 'offline']);
      const fifteen = await onlineNodes(15);
      await miss(service, fifteen.slice(0, 3), 11);
      await sweep(sweeper, sweeper);
      expect(await Promise.all(fifteen.slice(0, 3).map(livenessOf))).toEqual([
        'offline',
        'offline',
        'offline',
      ]);
    });
  });

  function another(changes: Parameters<typeof createSweeper>[1] = {}): TestSweeper {
    const made = createSweeper(service, changes);
    open.push(made);
    return made;
  }

  async function sweep(...sweepers: TestSweeper[]): Promise<void> {
    for (const one of sweepers) await one.sweep();
  }

  /** The first two by position are there for the asking. */
  async function onlineNodes(count: number): Promise<[TestNode, TestNode, ...TestNode[]]> {
    const nodes: TestNode[] = [];
    for (let n = 0; n < count; n++) nodes.push(await createNode(service, providerId));
    for (const node of nodes) await beat(node, 1);
    return nodes as [TestNode, TestNode, ...TestNode[]];
  }

  const beat = (node: TestNode, sequence: number) =>
    service
      .as(node.key)
      .post('/v1/heartbeats')
      .send({ nodeId: node.id, sequence, status: 'healthy' })
      .expect(202);

  const one = async <T>(text: string, values: unknown[] = []): Promise<T> =>
    (await service.sql.query({ text, values, rowMode: 'array' })).rows[0]?.[0] as T;

  const livenessOf = ({ id }: TestNode) =>
    one<string>('SELECT liveness FROM inventory.node_heartbeat WHERE node_id = $1', [id]);

  const gatesOf = async (gpu: string) =>
    reasonsOf(
      await one<number>('SELECT blocks FROM inventory.gpu_state WHERE gpu_id = $1 AND version = 1', [gpu]),
    );

  const changesOf = ({ id }: TestNode) =>
    one<string[]>(
      `SELECT array_agg(type || ' ' || version ORDER BY version) FROM inventory.change WHERE subject_id = $1`,
      [id],
    );

  const lastChange = () => one<string>('SELECT max(id) FROM inventory.change');

  const eventsSince = (id: string) =>
    one<Record<string, number>>(
      'SELECT jsonb_object_agg(type, n) FROM (SELECT type, count(*) n FROM inventory.change WHERE id > $1 GROUP BY 1) c',
      [id],
    );
});
