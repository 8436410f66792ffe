import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { pino } from 'pino';
import { Database } from '../../src/kernel/db/database.ts';
import { createPool } from '../../src/kernel/db/pool.ts';
import { createPrisma } from '../../src/kernel/db/prisma.ts';
import { SampleIngest } from '../../src/modules/metrics/ingest.ts';
import { metricSeries } from '../../src/modules/metrics/series.ts';
import { requestOf } from '../support/kernel.ts';
import { client, median, repeat } from './load.ts';
import type { Result } from './report.ts';
import { operatorKey, type World } from './world.ts';

const rowsAtOnce = 500;
const days = 7;
const everyS = 30;
const hourMs = 3_600_000;
const log = pino({ level: 'silent' });

/** G21 and G22: what the way around the ORM, and the roll-ups, are good for. */
export async function metricsGoals(world: World, rounds: number, seconds: number): Promise<Result[]> {
  const { providerId, gpuIds } = await biggestProvider(world.owner);
  const metricId = await addMetric(world.owner, 'benchPower');
  return [
    await ingestGoal(world, { gpuIds, metricId }, rounds, seconds),
    await rangeGoal(world, { providerId, gpuIds, metricId }, rounds, seconds),
  ];
}

async function biggestProvider(owner: pg.Pool): Promise<{ providerId: string; gpuIds: string[] }> {
  const { rows } = await owner.query(
    `SELECT provider_id, (array_agg(gpu_id::text))[1:10] AS gpu_ids FROM inventory.gpu_state
      GROUP BY provider_id ORDER BY count(*) DESC, provider_id LIMIT 1`,
  );
  return { providerId: rows[0].provider_id, gpuIds: rows[0].gpu_ids };
}

async function addMetric(owner: pg.Pool, name: string): Promise<number> {
  const { rows } = await owner.query(
    `INSERT INTO inventory.metric (name, unit) VALUES ($1, 'W') RETURNING id`,
    [name],
  );
  return rows[0].id;
}

interface Subjects {
  gpuIds: readonly string[];
  metricId: number;
}

/**
 * 500 rows by the service's own code, its checks included, against the same rows by `createMany`: readings of this hour,
 * each of all GPUs at one moment, as agents send them. To make them is nobody's path, so it is not measured.
 */
async function ingestGoal(
  { ownerUrl, cpuMs }: World,
  { gpuIds, metricId }: Subjects,
  rounds: number,
  seconds: number,
): Promise<Result> {
  const pool = createPool({ url: ownerUrl, max: 2, name: 'bench', log, prepare: true });
  const prisma = createPrisma(pool);
  const ingest = new SampleIngest(new Database({ pool, log }), settings);
  let at = Date.now() - 120_000;
  const readings = () =>
    Array.from({ length: rowsAtOnce }, (_, index) => {
      const gpu = index % gpuIds.length;
      if (gpu === 0) at += 1;
      return { gpuId: gpuIds[gpu] as string, value: index / 7, at: new Date(at).toISOString() };
    });
  const byOrm: Path = () => {
    const data = readings().map((reading) => ({ ...reading, metricId }));
    return async () => void (await prisma.metricSample.createMany({ data }));
  };
  const byService: Path = () => {
    const samples = readings().map((reading) => ({ ...reading, metric: 'benchPower', unit: 'W' }));
    return async () => {
      const { accepted } = await ingest.record({ ...requestOf(), log }, samples);
      if (accepted !== rowsAtOnce) throw new Error(`${accepted} of ${rowsAtOnce} samples were stored.`);
    };
  };
  const databaseMs = () => cpuMs().database;
  const costs: Cost[][] = [];
  for (let round = 0; round < rounds; round++) {
    costs.push([await costOf(byOrm, seconds, databaseMs), await costOf(byService, seconds, databaseMs)]);
  }
  await prisma.$disconnect();
  await pool.end();
  const told = (read: (cost: Cost) => string) => costs.map((pair) => pair.map(read).join(' / ')).join(', ');
  return {
    id: 'G21',
    goal: `ingest of ${rowsAtOnce} samples: createMany / the service's path, p50`,
    value: median(costs.map(([orm, service]) => (orm as Cost).p50 / (service as Cost).p50)),
    rule: '>=',
    target: 10,
    detail: `${told(({ p50 }) => p50.toFixed(1))} ms; CPU of Node + database ${told(({ node, database }) => `${node.toFixed(1)} + ${database.toFixed(1)}`)} ms`,
  };
}

/** Prepares a call. */
type Path = () => () => Promise<void>;

/** Milliseconds of one call: its median time, and its CPU time in this process and in the database. */
interface Cost {
  p50: number;
  node: number;
  database: number;
}

async function costOf(path: Path, seconds: number, databaseMs: () => number): Promise<Cost> {
  const [times, databaseBefore] = [[] as number[], databaseMs()];
  const end = performance.now() + seconds * 1000;
  let node = 0;
  while (performance.now() < end) {
    const call = path();
    const [cpu, begun] = [process.cpuUsage(), performance.now()];
    await call();
    times.push(performance.now() - begun);
    const { user, system } = process.cpuUsage(cpu);
    node += (user + system) / 1000;
  }
  const { length } = times;
  return { p50: median(times), node: node / length, database: (databaseMs() - databaseBefore) / length };
}

const settings = metricSeries({ keepDays: 30, keepMinutesDays: 90, keepHoursDays: 730 });

/** A week of ten GPUs by the hour: from `from` on whole hours the roll-ups answer, a second beside them the samples. */
async function rangeGoal(
  world: World,
  { providerId, gpuIds, metricId }: Subjects & { providerId: string },
  rounds: number,
  seconds: number,
): Promise<Result> {
  const begin = Math.floor(Date.now() / hourMs) * hourMs - (days * 24 + 2) * hourMs;
  await loadSamples(world.owner, { gpuIds, metricId }, begin);
  await folded(world.owner);
  const caller = client(world.url, operatorKey, 1);
  const ask = async (from: number, source: string) => {
    const [since, until] = [from, from + days * 24 * hourMs].map((ms) => new Date(ms).toISOString());
    const path = `/v1/usage-metrics?metric=benchPower&providerId=${providerId}&groupBy=provider&step=1h&from=${since}&to=${until}`;
    return repeat(1, seconds, async () => {
      const { status, text } = await caller.send({ path });
      const answer = JSON.parse(text);
      if (status !== 200 || answer.source !== source || answer.series[0].points.length !== days * 24)
        throw new Error(`${status} ${text.slice(0, 200)}`);
    });
  };
  const pairs: [number, number][] = [];
  for (let round = 0; round < rounds; round++) {
    const [rolled, raw] = [await ask(begin, 'hour'), await ask(begin + 1000, 'raw')];
    pairs.push([rolled.p50, raw.p50]);
  }
  caller.close();
  return {
    id: 'G22',
    goal: `${days} days of ${gpuIds.length} GPUs by the hour, HTTP: from roll-ups / from samples, p50`,
    value: median(pairs.map(([rolled, raw]) => rolled / raw)),
    rule: '<=',
    target: 0.3,
    detail: pairs.map(([rolled, raw]) => `${rolled.toFixed(1)} / ${raw.toFixed(1)} ms`).join(', '),
  };
}

/** A sample every 30 s, written by SQL; the server's own worker makes the roll-ups. */
async function loadSamples(owner: pg.Pool, { gpuIds, metricId }: Subjects, begin: number): Promise<void> {
  const from = new Date(begin);
  await owner.query(
    `SELECT inventory.ensure_partitions('inventory.metric_sample', 'day',
       ARRAY(SELECT ($1::timestamptz AT TIME ZONE 'UTC')::date + n FROM generate_series(0, ${days + 1}) n))`,
    [from],
  );
  await owner.query(
    `INSERT INTO inventory.metric_sample
     SELECT gpu, $2, $1::timestamptz + n * interval '${everyS} s', 300 + (hashint8(n) & 255)
       FROM generate_series(0, ${(days * 24 * 3600 + 3600) / everyS}) n, unnest($3::uuid[]) gpu`,
    [from, metricId, gpuIds],
  );
  await owner.query(
    `INSERT INTO inventory.metric_unfolded
     SELECT DISTINCT gpu_id, metric_id, date_trunc('hour', at, 'UTC') FROM inventory.metric_sample WHERE metric_id = $1
         ON CONFLICT DO NOTHING`,
    [metricId],
  );
  await owner.query('VACUUM ANALYZE');
}

async function folded(owner: pg.Pool): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const { rows } = await owner.query(
      `SELECT count(*)::int AS due FROM inventory.metric_unfolded WHERE hour < now() - interval '2 hours'`,
    );
    if (rows[0].due === 0) return void (await owner.query('VACUUM ANALYZE'));
    await delay(500);
  }
  throw new Error('The roll-ups were not made.');
}
