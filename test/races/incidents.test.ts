import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createNode, createProvider, type TestNode } from '../support/fleet.ts';
import { startService, type TestService } from '../support/service.ts';
import { createSweeper, miss, type TestSweeper } from '../support/sweeping.ts';

/** Two replicas and two more sweepers; nobody sweeps but when the test says so, and nothing trips the breaker. */
const settings = { SWEEP_INTERVAL_MS: '3600000', FLAPPING_LIMIT: '1000' };
let replicas: TestService[];
let sweepers: TestSweeper[];
beforeAll(async () => {
  const first = await startService(settings);
  replicas = [first, await startService(settings, first.database)];
  sweepers = replicas.map((replica) => createSweeper(replica, { breakerMinNodes: 1_000_000 }));
});
afterAll(async () => {
  for (const one of sweepers) await one.close();
  for (const one of replicas.toReversed()) await one.stop();
});

/** One after the other, as a replica does it. */
async function sweepThrice(sweeper: TestSweeper): Promise<void> {
  for (let time = 0; time < 3; time++) await sweeper.sweep();
}

const sql = () => (replicas[0] as TestService).sql;
const rows = async (text: string, ids: readonly string[]) => (await sql().query(text, [ids])).rows;

it('heartbeats beside sweeps: each time offline is one incident, open as long as the node is offline', async () => {
  const [service] = replicas as [TestService];
  const { id } = await createProvider(service);
  const nodes: TestNode[] = [];
  for (let n = 0; n < 12; n++) nodes.push(await createNode(service, id));
  const ids = nodes.map((node) => node.id);
  const beat = (node: TestNode, sequence: number, turn: number) =>
    (replicas[turn % 2] as TestService)
      .as(node.key)
      .post('/v1/heartbeats')
      .send({ nodeId: node.id, sequence, status: 'healthy' })
      .then(({ status }) => status);
  for (let round = 1; round <= 10; round++) {
    await Promise.all(nodes.map((node) => beat(node, round * 10, round)));
    await miss(service, nodes, 11);
    const statuses = await Promise.all([
      ...sweepers.map((one) => sweepThrice(one)),
      ...nodes.slice(0, 8).map((node, turn) => beat(node, round * 10 + 1, turn)),
    ]);
    expect(statuses.filter((status) => typeof status === 'number')).toEqual(Array(8).fill(202));
  }
  const lapses = await rows(
    `SELECT n.id,
            (SELECT count(*)::integer FROM inventory.change c WHERE c.subject_id = n.id::text AND c.type = 'node.offline') AS events,
            (SELECT count(*)::integer FROM inventory.incident i WHERE i.node_id = n.id) AS incidents,
            (SELECT count(*)::integer FROM inventory.incident i WHERE i.node_id = n.id AND i.ended_at IS NULL) AS open,
            (h.liveness = 'offline')::integer AS offline
       FROM inventory.node n JOIN inventory.node_heartbeat h ON h.node_id = n.id WHERE n.id = ANY($1)`,
    ids,
  );
  expect(lapses.reduce((sum, { events }) => sum + events, 0)).toBeGreaterThan(0);
  for (const { events, incidents, open, offline } of lapses)
    expect([incidents, open]).toEqual([events, offline]);
  const overlapping = await rows(
    `SELECT a.id FROM inventory.incident a JOIN inventory.incident b ON a.node_id = b.node_id AND a.id < b.id
        AND tstzrange(a.started_at, a.ended_at) && tstzrange(b.started_at, b.ended_at)
      WHERE a.node_id = ANY($1)`,
    ids,
  );
  expect(overlapping).toEqual([]);
  expect(await versionFaults(sql())).toEqual([]);
});
