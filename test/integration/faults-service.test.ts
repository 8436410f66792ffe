import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { versionFaults } from '../support/changes.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { until } from '../support/until.ts';

const operatorKey = 'operator-key-of-the-crash-tests-0123456789';

let database: TestDatabase;
let service: ServiceProcess;
beforeAll(async () => {
  database = await createDatabase();
  service = await start();
}, 60_000);
afterAll(async () => {
  await service.stop();
  await database.drop();
});

async function start(): Promise<ServiceProcess> {
  const started = await startServiceProcess({ DATABASE_URL: database.url, OPERATOR_API_KEY: operatorKey });
  await until('it is ready', async () => (await started.ready()).status === 200, 30_000);
  return started;
}

async function post<Body>(path: string, body: object, headers: Record<string, string> = {}) {
  const answer = await fetch(service.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${operatorKey}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Body };
}

/** Lanes that repeat `work` until it fails: the service is gone. */
const lanes = (count: number, work: (lane: number) => Promise<void>) =>
  Array.from({ length: count }, async (_, lane) => {
    try {
      for (;;) await work(lane);
    } catch (error) {
      expect((error as Error).name).toBe('TypeError');
    }
  });

interface Registered {
  nodes: { id: string; gpus: { id: string }[] }[];
}

it('keeps everything that it answered when it is killed in the midst of it, and doubles nothing', async () => {
  const nodes = Array.from({ length: 16 }, (_, index) => ({
    hostname: `n${index}`,
    gpus: [{ uuid: `GPU-${index}`, vendor: 'nvidia', name: 'NVIDIA GeForce RTX 4090' }],
  }));
  const provider = { name: 'Killed', email: 'killed@example.test', region: 'eu', nodes };
  const { body: made } = await post<Registered>('/v1/providers', provider);
  const { body: tenant } = await post<{ id: string }>('/v1/tenants', { name: 'Tenant' });
  const claims = new Map<string, object>();
  const acknowledged = {
    heartbeats: [] as { nodeId: string; sequence: number }[],
    claims: new Map<string, string>(),
  };
  const sequences = made.nodes.map(() => 0);

  const beating = lanes(16, async (lane) => {
    const heartbeat = { nodeId: made.nodes[lane]?.id ?? '', sequence: ++(sequences[lane] as number) };
    const { status } = await post('/v1/heartbeats', { ...heartbeat, status: 'healthy' });
    if (status === 202) acknowledged.heartbeats.push(heartbeat);
    else expect(status).toBe(503);
  });
  await until(
    'all nodes are heard',
    () => new Set(acknowledged.heartbeats.map(({ nodeId }) => nodeId)).size === 16,
  );
  const claiming = lanes(4, async (lane) => {
    const key = randomUUID();
    const claim = { gpuIds: [made.nodes[lane]?.gpus[0]?.id], tenantId: tenant.id };
    claims.set(key, claim);
    const { status, body } = await post<{ id: string }>('/v1/allocations', claim, { 'idempotency-key': key });
    if (status !== 201) return expect(status).toBe(503);
    acknowledged.claims.set(key, body.id);
    await post(`/v1/allocations/${body.id}/release`, {});
  });
  await until(
    'it is busy',
    () => acknowledged.heartbeats.length > 300 && acknowledged.claims.size > 20,
    30_000,
  );
  process.kill(service.pid, 'SIGKILL');
  await Promise.all([...beating, ...claiming]);
  await service.stop();

  service = await start();
  const pool = new pg.Pool({ connectionString: database.ownerUrl, max: 1 });
  const { rows: stored } = await pool.query<{ id: string }>(
    `SELECT node_id || ' ' || sequence AS id FROM inventory.heartbeat`,
  );
  const kept = new Set(stored.map(({ id }) => id));
  expect(kept.size).toBe(stored.length);
  expect(
    acknowledged.heartbeats.filter(({ nodeId, sequence }) => !kept.has(`${nodeId} ${sequence}`)),
  ).toEqual([]);

  const outcomes = new Map<string, string>();
  for (const [key, claim] of claims) {
    const { status, body } = await post<{ id: string }>('/v1/allocations', claim, { 'idempotency-key': key });
    if (status === 201) outcomes.set(key, body.id);
    else expect(status).toBe(409);
  }
  for (const [key, id] of acknowledged.claims) expect(outcomes.get(key)).toBe(id);
  const { rows: allocations } = await pool.query<{ id: string }>('SELECT id FROM inventory.allocation');
  expect(new Set(allocations.map(({ id }) => id))).toEqual(new Set(outcomes.values()));
  expect(allocations).toHaveLength(outcomes.size);
  expect(await versionFaults(pool)).toEqual([]);
  await pool.end();
}, 90_000);
