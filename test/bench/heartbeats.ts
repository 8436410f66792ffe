import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type pg from 'pg';
import { cpuMsOf } from './cpu.ts';
import { client, median, type Round, repeat } from './load.ts';
import { findPgbench, transactionsPerSecond } from './pgbench.ts';
import type { Result } from './report.ts';
import { operatorKey, type World } from './world.ts';

/** Nodes that report; each has four GPUs, as `loadFleet` makes them. */
const reporting = 20_000;
/** Callers at once, and for the comparison of latencies. */
const crowd = 512;
const few = 128;
/** Heartbeats of one transaction of the floor. */
const perCommit = 125;

/** The rows that a heartbeat comes to, in the leanest tables: one node, four GPUs, four readings kept. */
const floorSchema = `
  DROP TABLE IF EXISTS public.floor_node, public.floor_live, public.floor_reading;
  CREATE TABLE public.floor_node (id int PRIMARY KEY, sequence bigint, at timestamptz) WITH (fillfactor = 50);
  INSERT INTO public.floor_node SELECT n, 0, clock_timestamp() FROM generate_series(0, ${reporting - 1}) n;
  CREATE TABLE public.floor_live (gpu int PRIMARY KEY, at timestamptz, a real, b real, c real, d real) WITH (fillfactor = 50);
  INSERT INTO public.floor_live SELECT g, clock_timestamp(), 1, 2, 3, 4 FROM generate_series(0, ${4 * reporting - 1}) g;
  CREATE TABLE public.floor_reading (gpu int, at timestamptz, a real, b real, c real, d real);`;

const floorSql = `\\set first random(0, ${reporting / perCommit - 1}) * ${perCommit}
WITH heard AS (
  UPDATE public.floor_node SET sequence = sequence + 1, at = clock_timestamp()
   WHERE id BETWEEN :first AND :first + ${perCommit - 1}
), live AS (
  INSERT INTO public.floor_live SELECT g, clock_timestamp(), random(), random(), random(), random()
    FROM generate_series(:first * 4, :first * 4 + ${4 * perCommit - 1}) g
  ON CONFLICT (gpu) DO UPDATE SET at = excluded.at, a = excluded.a, b = excluded.b, c = excluded.c, d = excluded.d
)
INSERT INTO public.floor_reading SELECT g, clock_timestamp(), random(), random(), random(), random()
  FROM generate_series(:first * 4, :first * 4 + ${4 * perCommit - 1}) g;
`;

interface Reporter {
  nodeId: string;
  uuids: string[];
}

export async function reportersOf(owner: pg.Pool): Promise<Reporter[]> {
  const { rows } = await owner.query<Reporter>(
    `SELECT node_id AS "nodeId", array_agg(uuid) AS uuids FROM inventory.gpu
      WHERE node_id IN (SELECT id FROM inventory.node ORDER BY seq LIMIT $1) GROUP BY node_id`,
    [reporting],
  );
  return rows;
}

/** One heartbeat with the readings of four GPUs for each call, the nodes in turn. */
export function heartbeatSource(reporters: readonly Reporter[]): () => object {
  let sent = 0;
  const firstSequence = Date.now() * 1000;
  return () => {
    const { nodeId, uuids } = reporters[sent % reporters.length] as Reporter;
    const gpus = uuids.map((uuid) => ({
      uuid,
      utilization: sent % 101,
      memoryUsedMb: sent % 24_000,
      temperatureC: 40 + (sent % 40),
      powerDrawW: 100 + (sent % 300),
      xidErrors: [],
    }));
    const systemMetrics = { cpuUtilization: sent % 100, memoryUtilization: 40, uptimeS: sent };
    return { nodeId, sequence: firstSequence + sent++, status: 'healthy', systemMetrics, gpus };
  };
}

/** Heartbeats for `seconds` over `lanes` connections; every answer must be 202. */
async function send(url: string, next: () => object, lanes: number, seconds: number): Promise<Round> {
  const caller = client(url, operatorKey, lanes);
  const round = await repeat(lanes, seconds, async () => {
    const { status, text } = await caller.send({ method: 'POST', path: '/v1/heartbeats', body: next() });
    if (status !== 202) throw new Error(`heartbeat: ${status} ${text.slice(0, 300)}`);
  });
  caller.close();
  return round;
}

interface Validating {
  url: string;
  cpuMs(): number;
  stop(): Promise<void>;
}

async function startValidating(): Promise<Validating> {
  const child = spawn(
    process.execPath,
    ['--import', './test/support/typescript.mjs', 'test/bench/validating-server.ts'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    url: `http://127.0.0.1:${port.toString()}`,
    cpuMs: () => cpuMsOf(child.pid),
    async stop() {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

/** Updates of the latest states that stayed on their page, in percent. */
async function hotShare(owner: pg.Pool): Promise<number> {
  const { rows } = await owner.query<{ share: number }>(
    `SELECT 100.0 * sum(n_tup_hot_upd) / nullif(sum(n_tup_upd), 0) AS share FROM pg_stat_user_tables
      WHERE schemaname = 'inventory' AND relname IN ('node_heartbeat', 'gpu_telemetry')`,
  );
  return Number(rows[0]?.share);
}

/** CPU of one heartbeat, in microseconds: of the server, of PostgreSQL, and of the server that only validates. */
interface Cost {
  server: number;
  database: number;
  validating: number;
}

interface Sample {
  floor: number;
  cost: Cost;
  validating: Round;
  service: Round;
  oneByOne: Round;
  validatingFew: Round;
  serviceFew: Round;
}

interface Servers {
  world: World;
  validating: Validating;
  /** The service, with one statement for each request. */
  oneByOne: string;
}

async function sampleOf(
  { world, validating, oneByOne }: Servers,
  next: () => object,
  seconds: number,
  pgbench: string | null,
): Promise<Sample> {
  const floor = pgbench
    ? perCommit *
      (await transactionsPerSecond(pgbench, world.ownerUrl, { sql: floorSql, clients: 4, seconds }))
    : Number.NaN;
  const before = { ...world.cpuMs(), validating: validating.cpuMs() };
  const validated = await send(validating.url, next, crowd, seconds);
  const served = await send(world.url, next, crowd, seconds);
  const after = { ...world.cpuMs(), validating: validating.cpuMs() };
  const us = (of: keyof Cost, { calls }: Round) => (1000 * (after[of] - before[of])) / calls;
  return {
    floor,
    cost: {
      server: us('server', served),
      database: us('database', served),
      validating: us('validating', validated),
    },
    validating: validated,
    service: served,
    oneByOne: await send(oneByOne, next, crowd, seconds),
    validatingFew: await send(validating.url, next, few, seconds),
    serviceFew: await send(world.url, next, few, seconds),
  };
}

/** G1-G3, G5, G6: heartbeats that are answered after their commit, against what bounds them. */
export async function heartbeatGoals(world: World, rounds: number, seconds: number): Promise<Result[]> {
  const pgbench = await findPgbench();
  if (pgbench) await world.owner.query(floorSchema);
  const next = heartbeatSource(await reportersOf(world.owner));
  const validating = await startValidating();
  const oneByOne = await world.beside({ HEARTBEAT_BATCH_MAX: '1', HEARTBEAT_CONNECTIONS: '10' });
  await send(world.url, next, crowd, 3);
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round++) {
    samples.push(await sampleOf({ world, validating, oneByOne: oneByOne.url }, next, seconds, pgbench));
  }
  await validating.stop();
  await oneByOne.stop();
  return resultsOf(samples, await hotShare(world.owner), pgbench !== null);
}

function resultsOf(samples: readonly Sample[], hot: number, withFloor: boolean): Result[] {
  const of = (read: (sample: Sample) => number) => median(samples.map(read));
  const rate = (read: (sample: Sample) => number) => `${of(read).toFixed(0)}/s`;
  const ms = (read: (sample: Sample) => number) => `${of(read).toFixed(1)} ms`;
  const cpu = (read: (cost: Cost) => number) => `${of(({ cost }) => read(cost)).toFixed(0)} µs`;
  const served = rate(({ service }) => service.perSecond);
  const ours = `${served} (CPU ${cpu(({ server }) => server)} + PostgreSQL ${cpu(({ database }) => database)})`;
  const floor: Result = {
    id: 'G1',
    goal: 'heartbeats by HTTP, c=512, answered after commit / pgbench, 125 a commit',
    value: of(({ service, floor }) => service.perSecond / floor),
    rule: '>=',
    target: 0.3,
    detail: `${ours} / ${rate(({ floor }) => floor)}`,
  };
  if (!withFloor) console.error('G1 is left out: there is no pgbench (Debian: apt-get install postgresql).');
  return [
    ...(withFloor ? [floor] : []),
    {
      id: 'G2',
      goal: 'the same / the same route that only validates its body',
      value: of(({ service, validating }) => service.perSecond / validating.perSecond),
      rule: '>=',
      target: 0.45,
      detail: `${served} / ${rate(({ validating }) => validating.perSecond)} (CPU ${cpu(({ validating }) => validating)})`,
    },
    {
      id: 'G3',
      goal: 'the same / one statement for each request, 10 connections',
      value: of(({ service, oneByOne }) => service.perSecond / oneByOne.perSecond),
      rule: '>=',
      target: 4,
      detail: `${served} / ${rate(({ oneByOne }) => oneByOne.perSecond)}`,
    },
    {
      id: 'G5',
      goal: 'heartbeat p99 / p99 of the route that only validates, c=128',
      value: of(({ serviceFew, validatingFew }) => serviceFew.p99 / validatingFew.p99),
      rule: '<=',
      target: 2,
      detail: `${ms(({ serviceFew }) => serviceFew.p99)} / ${ms(({ validatingFew }) => validatingFew.p99)}`,
    },
    {
      id: 'G6',
      goal: 'updates of the latest states that are HOT, percent',
      value: hot,
      rule: '>=',
      target: 99,
      detail: 'pg_stat_user_tables, node_heartbeat and gpu_telemetry',
    },
  ];
}
