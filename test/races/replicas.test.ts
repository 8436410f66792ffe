import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { disagreements } from '../support/agreement.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { setDeadline } from '../support/ledger.ts';
import { outcome, parallel, tally } from '../support/outcomes.ts';
import { openNode, type TestTenant } from '../support/schedulable.ts';
import { type Client, clientOf, operatorKey } from '../support/service.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { until } from '../support/until.ts';

/** A server process, and how to ask it; one that was killed may be started anew in its place. */
interface Replica {
  server: ServiceProcess;
  as(key?: string | null): Client;
}

let database: TestDatabase;
let owner: pg.Pool;
let replicas: [Replica, Replica];

beforeAll(async () => {
  database = await createDatabase();
  owner = new pg.Pool({ connectionString: database.ownerUrl, max: 4 });
  replicas = await Promise.all([start(), start()]);
}, 90_000);
afterAll(async () => {
  await Promise.all(replicas.map(({ server }) => server.stop()));
  await owner.end();
  await database.drop();
});

describe('claims through two processes at once', () => {
  it('on one GPU: exactly one of 200 gets it', async () => {
    const { gpuIds, tenant } = await open(1);
    const replies = await parallel(200, (at) => claim(at, tenant, { gpuIds }));
    expect(tally(replies)).toEqual({ '201': 1, '409 gpu.unavailable': 199 });
    expect(await allocationsOn(gpuIds)).toBe(1);
  });

  it('on four of sixteen GPUs, overlapping: nobody gets a part, nobody deadlocks, somebody wins', async () => {
    const { gpuIds, tenant } = await open(16);
    const wants = Array.from({ length: 50 }, (_, at) =>
      [0, 1, 2, 3].map((step) => gpuIds[(at * 5 + step * 3) % 16]),
    );
    const replies = await parallel(50, (at) => claim(at, tenant, { gpuIds: wants[at]?.reverse() }));
    const { '201': winners = 0, ...others } = tally(replies);
    expect(winners).toBeGreaterThanOrEqual(1);
    expect(winners).toBeLessThanOrEqual(4);
    expect(others).toEqual({ '409 gpu.unavailable': 50 - winners });
    expect(await allocationsOn(gpuIds)).toBe(winners);
  });

  it('by request for four of sixteen GPUs: exactly four are served', async () => {
    const { node, tenant } = await open(16);
    const request = { count: 4, filter: { nodeId: node.id } };
    const replies = await parallel(40, (at) => claim(at, tenant, { request }));
    expect(tally(replies)).toEqual({ '201': 4, '409 allocation.no_capacity': 36 });
  });

  it('in shares of one GPU: as many as fit into the whole', async () => {
    const { gpuIds, tenant } = await open(1);
    const replies = await parallel(30, (at) => claim(at, tenant, { gpuIds, share: 300 }));
    expect(tally(replies)).toEqual({ '201': 3, '409 gpu.unavailable': 27 });
  });

  it('one Idempotency-Key is one allocation, whichever process is asked', async () => {
    const { gpuIds, tenant } = await open(1);
    const send = (at: number) => claim(at, tenant, { gpuIds }).set('idempotency-key', gpuIds[0] as string);
    for (const reply of await parallel(10, send))
      expect(['201', '409 idempotency.in_progress']).toContain(outcome(reply));
    const again = await parallel(10, send);
    expect(tally(again)).toEqual({ '201': 10 });
    expect(new Set(again.map(({ body }) => body.id)).size).toBe(1);
  });
});

describe('a hold that runs out', () => {
  it('is either confirmed or expired, whichever process is asked, and both say so', async () => {
    const { gpuIds, tenant } = await open(24);
    const holds = await holdEach(gpuIds, tenant, 60);
    const replies = await Promise.all(
      holds.map(async (id, at) => {
        await setDeadline(owner, id, at * 5);
        return parallel(2, (of) => one(of).as(tenant.key).post(`/v1/allocations/${id}/confirm`));
      }),
    );
    await untilOver(holds.filter((_, at) => outcome(replies[at]?.[0] as Answer) !== '200'));
    const ends = await endsOf(holds);
    for (const [at, id] of holds.entries()) {
      const answered = replies[at]?.map(outcome);
      const won = ends.get(id)?.[0]?.type === 'allocation.confirmed';
      const said = won ? '200' : '409 allocation.hold_expired';
      expect([id, answered, ends.get(id)?.length]).toEqual([id, [said, said], 1]);
    }
    expect(tally(replies.flat())['200']).toBeGreaterThan(0);
  });

  it('frees its GPU within a second of its deadline, once, though the other process is killed and comes back', async () => {
    const { gpuIds, tenant } = await open(24);
    const holds = await holdEach(gpuIds, tenant, 60);
    // A deadline each quarter of a second, so that some come before the kill, some in it and some after it.
    await Promise.all(holds.map((id, at) => setDeadline(owner, id, 1000 + at * 250)));
    await untilOver(holds.slice(0, 4));
    await kill(0);
    const restarted = start();
    await untilOver(holds);
    replicas[0] = await restarted;
    const ends = await endsOf(holds);
    for (const id of holds) expect(ends.get(id)?.map(({ type }) => type)).toEqual(['allocation.expired']);
    expect([...ends.values()].flat().filter(({ inTime }) => !inTime)).toEqual([]);
    expect(await releasesOf(gpuIds)).toBe(gpuIds.length);
  }, 60_000);

  it('while no process runs is over for whoever asks first, and ended once by the two that start', async () => {
    const { gpuIds, tenant } = await open(12);
    const holds = await holdEach(gpuIds, tenant, 60);
    await Promise.all([kill(0), kill(1)]);
    await Promise.all(holds.map((id) => setDeadline(owner, id, -1)));
    expect((await endsOf(holds)).size).toBe(0);
    replicas = await Promise.all([start(), start()]);
    const replies = await parallel(24, (at) => claim(at, tenant, { gpuIds: [gpuIds[at % 12]] }));
    expect(tally(replies)).toEqual({ '201': 12, '409 gpu.unavailable': 12 });
    await untilOver(holds);
    const ends = await endsOf(holds);
    for (const id of holds) expect(ends.get(id)?.map(({ type }) => type)).toEqual(['allocation.expired']);
    expect(await releasesOf(gpuIds)).toBe(gpuIds.length);
  }, 90_000);
});

it('leaves ledger, counters, allocations and versions in agreement', async () => {
  expect(await disagreements(owner)).toEqual([]);
});

type Answer = Parameters<typeof outcome>[0];

async function start(): Promise<Replica> {
  const server = await startServiceProcess({
    DATABASE_URL: database.url,
    OPERATOR_API_KEY: operatorKey,
    HEARTBEAT_MIN_INTERVAL_S: '3600',
  });
  await until('it is ready', async () => (await server.ready()).status === 200, 30_000);
  return { server, as: (key) => clientOf(server.url, key) };
}

/** As a crash does it: nothing is finished, nobody is told. */
async function kill(at: 0 | 1): Promise<void> {
  const { server } = replicas[at];
  process.kill(server.pid, 'SIGKILL');
  await server.stop();
}

/** The replicas in turn. */
const one = (at: number): Replica => replicas[at % 2] as Replica;

const open = (gpus: number) => openNode(one(gpus), { gpus });
const claim = (at: number, { key }: TestTenant, body: object) =>
  one(at).as(key).post('/v1/allocations').send(body);

/** A hold on each GPU, through the replicas in turn. */
const holdEach = (gpuIds: readonly string[], tenant: TestTenant, holdTtlS: number): Promise<string[]> =>
  parallel(gpuIds.length, async (at) => {
    const { body } = await claim(at, tenant, { gpuIds: [gpuIds[at]], holdTtlS }).expect(201);
    return body.id;
  });

async function allocationsOn(gpuIds: readonly string[]): Promise<number> {
  const { rows } = await owner.query<{ n: number }>(
    `SELECT count(DISTINCT allocation_id)::int AS n FROM inventory.allocation_gpu WHERE gpu_id = ANY($1)`,
    [gpuIds],
  );
  return rows[0]?.n ?? 0;
}

interface End {
  id: string;
  type: string;
  /** Written no later than a second after the deadline, by the database's clock. */
  inTime: boolean;
}

/** What became of holds after they were made, by their ids. */
async function endsOf(holds: readonly string[]): Promise<Map<string, End[]>> {
  const { rows } = await owner.query<End>(
    `SELECT a.id, c.type, c.at <= a.held_until + interval '1 second' AS "inTime"
       FROM inventory.allocation a JOIN inventory.change c ON c.subject_type = 'allocation' AND c.subject_id = a.id::text
      WHERE a.id = ANY($1::uuid[]) AND c.version > 1 ORDER BY c.id`,
    [holds],
  );
  const ends = new Map<string, End[]>();
  for (const row of rows) ends.set(row.id, [...(ends.get(row.id) ?? []), row]);
  return ends;
}

const untilOver = (holds: readonly string[]): Promise<void> =>
  until('all of these are over', async () => (await endsOf(holds)).size === holds.length, 30_000);

/** How often these GPUs were released. */
async function releasesOf(gpuIds: readonly string[]): Promise<number> {
  const { rows } = await owner.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM inventory.change WHERE type = 'gpu.released' AND subject_id = ANY($1)`,
    [gpuIds],
  );
  return rows[0]?.n ?? 0;
}
