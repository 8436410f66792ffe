import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addGpuTo, createNode, createProvider, type TestNode } from '../support/fleet.ts';
import { startService, type TestService } from '../support/service.ts';
import { createSweeper, miss } from '../support/sweeping.ts';
import { until } from '../support/until.ts';

describe('heartbeats side by side', () => {
  let service: TestService;
  let providerId: string;
  beforeAll(async () => {
    service = await startService({ SWEEP_INTERVAL_MS: '3600000', HEARTBEAT_QUEUE_MAX: '2000' });
    providerId = (await createProvider(service)).id;
  });
  afterAll(() => service.stop());

  it('take one node through one transition, whichever comes first', async () => {
    const [node] = await newNodes(1);
    const gpu = await addGpuTo(service, node, `GPU-${node.id}`);
    const answers = await Promise.all(sequences(64).map((sequence) => beat(node, sequence)));
    expect(answers.map(({ status }) => status)).toEqual(Array(64).fill(202));
    const accepted = answers.filter(({ body }) => body.accepted).length;
    const [state] = await rows('SELECT sequence::integer FROM inventory.node_heartbeat WHERE node_id = $1', [
      node.id,
    ]);
    expect(state).toEqual({ sequence: 64 });
    expect(await rows(keptAndAccepted, [node.id])).toEqual([{ kept: 64, accepted }]);
    expect(await changesOf([node])).toEqual({ 'node.created': 1, 'node.online': 1 });
    expect(
      await rows('SELECT blocks, version::integer FROM inventory.gpu_state WHERE gpu_id = $1', [gpu]),
    ).toEqual([{ blocks: 0, version: 1 }]);
  });

  it('of one sequence are accepted once', async () => {
    const [node] = await newNodes(1);
    const answers = await Promise.all(Array.from({ length: 32 }, () => beat(node, 7)));
    expect(answers.filter(({ body }) => body.accepted)).toHaveLength(1);
  });

  it('of many nodes in batches of opposite orders never block each other', async () => {
    const nodes = await newNodes(40);
    const answers = await Promise.all(
      sequences(24).map((sequence) => {
        const order = sequence % 2 ? nodes : [...nodes].reverse();
        return batch(order.map((node) => heartbeat(node, sequence)));
      }),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(24).fill(202));
    expect(await changesOf(nodes)).toEqual({ 'node.created': 40, 'node.online': 40 });
  });

  it('wait for nobody but the one whose node is locked, which alone is refused', async () => {
    const nodes = await newNodes(20);
    // The first two take the connections, the others wait for them together.
    const locked = nodes[10] as TestNode;
    const other = await service.sql.connect();
    await other.query('BEGIN');
    await other.query('SELECT FROM inventory.node WHERE id = $1 FOR UPDATE', [locked.id]);
    const answers = await Promise.all(nodes.map((node) => beat(node, 1)));
    await other.query('ROLLBACK');
    other.release();
    expect(answers.map(({ status }) => status)).toEqual([...Array(10).fill(202), 409, ...Array(9).fill(202)]);
    expect(answers[10]?.body.code).toBe('resource.busy');
    expect((await beat(locked, 1)).body.accepted).toBe(true);
  });

  it('beyond what the queue holds are refused at once, to be tried again', async () => {
    const nodes = await newNodes(2);
    for (const node of nodes) await beat(node, 1);
    const other = await service.sql.connect();
    await other.query('BEGIN');
    await other.query('SELECT FROM inventory.node_heartbeat WHERE node_id = ANY($1) FOR UPDATE', [
      nodes.map(({ id }) => id),
    ]);
    // Two requests keep both connections waiting, two fill the queue.
    const refused: Answer[] = [];
    const answers = sequences(6).map(async (n) => {
      const answer = await batch(sequences(1000).map((s) => heartbeat(nodes[n % 2 ? 0 : 1], n * 1000 + s)));
      if (answer.status === 503) refused.push(answer);
      return answer.status;
    });
    await until('two are refused', () => refused.length === 2);
    await other.query('ROLLBACK');
    other.release();
    expect((await Promise.all(answers)).sort()).toEqual([202, 202, 202, 202, 503, 503]);
    expect(refused.map(({ body, headers }) => [body.code, headers['retry-after']])).toEqual(
      Array(2).fill(['heartbeat.overloaded', '1']),
    );
  });

  it('beside sweeps leave every node that was heard online, with a change for each version', async () => {
    const nodes = await newNodes(30);
    const sweepers = [createSweeper(service), createSweeper(service)];
    for (const sequence of sequences(12)) {
      await miss(service, nodes.slice(0, 5), 11);
      await Promise.all([
        ...sweepers.map((one) => one.sweep()),
        ...nodes.map((node) => beat(node, sequence)),
      ]);
      const states = await rows(
        'SELECT DISTINCT liveness FROM inventory.node_heartbeat WHERE node_id = ANY($1)',
        [nodes.map(({ id }) => id)],
      );
      expect(states).toEqual([{ liveness: 'online' }]);
    }
    await Promise.all(sweepers.map((one) => one.close()));
    expect(await nodesWithoutAChangePerVersion()).toEqual([]);
  });

  it('swept by two at once make each transition once, and the breaker trip once', async () => {
    const sweepers = [createSweeper(service), createSweeper(service), createSweeper(service)];
    const sweep = () => Promise.all(sweepers.map((one) => one.sweep()));
    await rows('DELETE FROM inventory.node_heartbeat');
    const nodes = await newNodes(50);
    await batch(nodes.map((node) => heartbeat(node, 1)));
    await miss(service, nodes.slice(0, 10), 11);
    for (const _ of Array(3)) await sweep();
    await miss(service, nodes.slice(10, 40), 11);
    for (const _ of Array(3)) await sweep();
    await Promise.all(sweepers.map((one) => one.close()));
    expect(await changesOf(nodes)).toEqual({
      'node.created': 50,
      'node.online': 50,
      'node.late': 10,
      'node.offline': 10,
      'node.unknown': 30,
    });
    expect(
      await rows(`SELECT diff -> 'after' AS after FROM inventory.change WHERE type = 'breaker.tripped'`),
    ).toEqual([{ after: { nodes: 30, watched: 40 } }]);
    expect(await nodesWithoutAChangePerVersion()).toEqual([]);
  });

  it('that were acknowledged survive the loss of their connections, and the next ones go on', async () => {
    const nodes = await newNodes(20);
    const acknowledged: { id: string; sequence: number }[] = [];
    for (const sequence of sequences(15)) {
      const answers = nodes.map(async (node) => ({ node, answer: await beat(node, sequence) }));
      await rows(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name LIKE 'depin-inventory%'`,
      );
      for (const { node, answer } of await Promise.all(answers)) {
        expect([202, 503]).toContain(answer.status);
        if (answer.status === 202 && answer.body.accepted) acknowledged.push({ id: node.id, sequence });
      }
    }
    const lost = await rows(
      `SELECT a FROM jsonb_to_recordset($1) AS a(id uuid, sequence bigint)
        WHERE NOT EXISTS (SELECT FROM inventory.heartbeat h
                           WHERE h.node_id = a.id AND h.sequence = a.sequence AND h.accepted)`,
      [JSON.stringify(acknowledged)],
    );
    expect(lost).toEqual([]);
    await until('heartbeats are taken again', async () => (await beat(nodes[0], 100)).status === 202);
  });

  async function newNodes(count: number): Promise<[TestNode, TestNode, ...TestNode[]]> {
    const nodes: TestNode[] = [];
    for (let n = 0; n < count; n++) nodes.push(await createNode(service, providerId));
    return nodes as [TestNode, TestNode, ...TestNode[]];
  }

  const beat = (node: TestNode, sequence: number): Promise<Answer> =>
    service.as(node.key).post('/v1/heartbeats').send(heartbeat(node, sequence));

  const batch = (heartbeats: object[]): Promise<Answer> =>
    service.as().post('/v1/heartbeats/batch').send({ heartbeats });

  const rows = async (text: string, values: unknown[] = []): Promise<unknown[]> =>
    (await service.sql.query(text, values)).rows;

  const changesOf = async (nodes: readonly TestNode[]) => {
    const [{ types }] = (await rows(
      `SELECT jsonb_object_agg(type, n) AS types FROM (
         SELECT type, count(*) AS n FROM inventory.change WHERE subject_id = ANY($1) GROUP BY type) c`,
      [nodes.map(({ id }) => id)],
    )) as [{ types: unknown }];
    return types;
  };

  const nodesWithoutAChangePerVersion = () =>
    rows(`SELECT id FROM inventory.node n
           WHERE version <> (SELECT count(*) FROM inventory.change
                              WHERE subject_type = 'node' AND subject_id = n.id::text)`);
});

describe('two replicas', () => {
  it('take nodes through all five states, with one event for each transition', async () => {
    const env = { SWEEP_INTERVAL_MS: '10', FAILOVER_GRACE_S: '0', HEARTBEAT_GRACE_S: '1' };
    const first = await startService(env);
    const second = await startService(env, first.database);
    const { id: providerId } = await createProvider(first);
    const nodes: TestNode[] = [];
    for (let n = 0; n < 12; n++) nodes.push(await createNode(n % 2 ? first : second, providerId));
    const [few, many] = [nodes.slice(0, 2), nodes.slice(2)];
    const beatAll = async (sequence: number) => {
      for (const [n, node] of nodes.entries())
        await (n % 2 ? second : first)
          .as(node.key)
          .post('/v1/heartbeats')
          .send(heartbeat(node, sequence))
          .expect(202);
    };
    const states = async (some: readonly TestNode[]) => {
      const { rows } = await first.sql.query(
        'SELECT DISTINCT liveness FROM inventory.node_heartbeat WHERE node_id = ANY($1)',
        [some.map(({ id }) => id)],
      );
      return rows.map(({ liveness }) => liveness).join();
    };
    expect(await states(nodes)).toBe('pending');
    await beatAll(1);
    expect(await states(nodes)).toBe('online');
    await miss(first, few, 0.1);
    await until('few are offline', async () => (await states(few)) === 'offline');
    await miss(first, many, 2);
    await until('many are unknown', async () => (await states(many)) === 'unknown');
    await beatAll(2);
    expect(await states(nodes)).toBe('online');
    const { rows } = await first.sql.query(
      `SELECT type, count(*)::integer AS n FROM inventory.change
        WHERE (subject_id = ANY($1) OR subject_type = 'breaker') AND type <> 'node.created' GROUP BY type ORDER BY type`,
      [nodes.map(({ id }) => id)],
    );
    expect(Object.fromEntries(rows.map(({ type, n }) => [type, n]))).toMatchObject({
      'node.online': 24,
      'node.late': 2,
      'node.offline': 2,
      'node.unknown': 10,
      'breaker.tripped': 1,
    });
    await second.stop();
    await first.stop();
  });
});

interface Answer {
  status: number;
  body: { accepted?: boolean; code?: string };
  headers: Record<string, string>;
}

const sequences = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

const heartbeat = ({ id }: TestNode, sequence: number) => ({ nodeId: id, sequence, status: 'healthy' });

const keptAndAccepted = `SELECT count(*)::integer AS kept, count(*) FILTER (WHERE accepted)::integer AS accepted
  FROM inventory.heartbeat WHERE node_id = $1`;
