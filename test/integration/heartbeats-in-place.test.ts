import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createDatabase } from '../support/database.ts';
import { createNode, createProvider } from '../support/fleet.ts';
import { createTemplate, startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

/** A server of its own: a transaction of another test, even in another database, keeps dead rows from making room. */
let server: TestPostgres;
let service: TestService;
beforeAll(async () => {
  server = await startPostgres();
  await createTemplate(server.url, 'template');
  const database = await createDatabase('template', server.url);
  service = await startService({ SWEEP_INTERVAL_MS: '3600000' }, database);
});
afterAll(async () => {
  await service.stop();
  await server.stop();
});

/** Updates of both tables of latest states, and how many of them stayed on their page and touched no index (HOT). */
async function updates(): Promise<{ all: number; hot: number }> {
  const { rows } = await service.sql.query(
    `SELECT sum(n_tup_upd)::integer AS all, sum(n_tup_hot_upd)::integer AS hot FROM pg_stat_user_tables
      WHERE schemaname = 'inventory' AND relname IN ('node_heartbeat', 'gpu_telemetry')`,
  );
  return rows[0];
}

it('the latest states of nodes and GPUs are updated in place from their second heartbeat on', async () => {
  const fleet = await Promise.all(Array.from({ length: 5 }, () => openNode(service, { gpus: 8 })));
  const { id: providerId } = await createProvider(service);
  const bare = await Promise.all(Array.from({ length: 25 }, () => createNode(service, providerId)));
  const heard = [
    ...fleet.map(({ node, gpuIds }) => ({ node, gpuIds })),
    ...bare.map((node) => ({ node, gpuIds: [] })),
  ];
  const { rows: uuids } = await service.sql.query('SELECT id, uuid FROM inventory.gpu');
  const uuidOf = new Map(uuids.map(({ id, uuid }) => [id, uuid]));
  const hear = async (sequence: number) => {
    for (const { node, gpuIds } of heard) {
      await service
        .as(node.key)
        .post('/v1/heartbeats')
        .send({
          ...{ nodeId: node.id, sequence, status: 'healthy' },
          systemMetrics: { cpuUtilization: sequence % 100, memoryUtilization: 40, uptimeS: sequence },
          gpus: gpuIds.map((id) => ({ uuid: uuidOf.get(id), utilization: sequence % 100, temperatureC: 71 })),
        })
        .expect(202);
    }
  };
  const counted = async (known: number) => {
    // A session tells its counts now and then, and when it ends.
    await service.sql.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'inv_app'`,
    );
    await until('its updates are counted', async () => (await updates()).all >= known);
    return updates();
  };
  const first = Date.now();
  await hear(first);
  const before = await counted(bare.length);
  const rounds = 10;
  for (let round = 1; round <= rounds; round++) await hear(first + round);
  const expected = rounds * (heard.length + fleet.length * 8);
  const after = await counted(before.all + expected);
  expect(after.all - before.all).toBe(expected);
  expect((after.hot - before.hot) / expected).toBeGreaterThanOrEqual(0.99);
});
