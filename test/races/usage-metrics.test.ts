import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '../../src/kernel/db/database.ts';
import { Fold } from '../../src/modules/metrics/fold.ts';
import { metricSeries } from '../../src/modules/metrics/series.ts';
import { addGpus } from '../support/gpu-rows.ts';
import { openDatabase } from '../support/kernel.ts';
import { startService, type TestService } from '../support/service.ts';

const hourMs = 3_600_000;
const series = metricSeries({ keepDays: 30, keepMinutesDays: 90, keepHoursDays: 730 });

let service: TestService;
let replicas: Database[];
beforeAll(async () => {
  service = await startService();
  replicas = [openDatabase(service.database.url), openDatabase(service.database.url)];
});
afterAll(async () => {
  for (const db of replicas) await db.close();
  await service.stop();
});

const hourAgo = (hours: number) => Math.floor(Date.now() / hourMs) * hourMs - hours * hourMs;
const newMetric = () => `m${randomUUID().replaceAll('-', '')}`;

async function record(
  samples: { gpuId: string; metric: string; value: number; at: number }[],
): Promise<number> {
  const body = {
    samples: samples.map(({ at, ...rest }) => ({ ...rest, unit: 'W', at: new Date(at).toISOString() })),
  };
  return (await service.as().post('/v1/usage-metrics').send(body).expect(202)).body.accepted;
}

/** Hours and minutes of a metric beside what their samples come to; equal where all is right. */
async function rollUps(metric: string) {
  const of = async (table: string, unit: string) => {
    const { rows } = await service.sql.query(
      `SELECT count(*)::int AS windows, coalesce(sum(r.count), 0)::int AS samples, coalesce(max(r.revision), 0) AS revision,
              count(*) FILTER (WHERE (r.count, r.sum, r.min, r.max) IS DISTINCT FROM (s.count, s.sum, s.min, s.max))::int
                AS wrong
         FROM inventory.${table} r
         LEFT JOIN (SELECT gpu_id, metric_id, date_trunc($2, at, 'UTC') AS at, count(*)::int AS count,
                           sum(value ORDER BY at) AS sum, min(value) AS min, max(value) AS max
                      FROM inventory.metric_sample GROUP BY 1, 2, 3) s USING (gpu_id, metric_id, at)
         JOIN inventory.metric m ON m.id = r.metric_id WHERE m.name = $1`,
      [metric, unit],
    );
    return rows[0];
  };
  return { hours: await of('metric_hour', 'hour'), minutes: await of('metric_minute', 'minute') };
}

const foldBoth = () => Promise.all(replicas.map((db) => new Fold(db, series).run()));

it('two replicas that fold at once come to one result, each hour once', async () => {
  const [metric, gpus] = [newMetric(), (await addGpus(service.sql, Array(20).fill({}))).gpuIds];
  const samples = gpus.flatMap((gpuId) =>
    Array.from({ length: 300 }, (_, index) => ({
      gpuId,
      metric,
      value: index % 17,
      at: hourAgo(14) + index * 120_000,
    })),
  );
  expect(await record(samples)).toBe(6000);
  await foldBoth();
  expect(await rollUps(metric)).toEqual({
    hours: { windows: 200, samples: 6000, revision: 1, wrong: 0 },
    minutes: { windows: 6000, samples: 6000, revision: 1, wrong: 0 },
  });
  const { rows } = await service.sql.query(
    'SELECT count(*)::int AS due FROM inventory.metric_unfolded u JOIN inventory.metric m ON m.id = u.metric_id WHERE m.name = $1',
    [metric],
  );
  expect(rows).toEqual([{ due: 0 }]);
});

it('late samples that arrive while their hours are folded are in the roll-ups all the same', async () => {
  const [metric, gpuIds] = [newMetric(), (await addGpus(service.sql, [{}, {}, {}])).gpuIds];
  const begin = hourAgo(10);
  let sent = 0;
  const batch = () =>
    gpuIds.flatMap((gpuId) =>
      Array.from({ length: 20 }, () => ({ gpuId, metric, value: sent % 13, at: begin + sent++ * 977 })),
    );
  let accepted = 0;
  const write = async () => {
    for (let round = 0; round < 15; round++) {
      const stored = await record(batch());
      accepted += stored;
    }
  };
  let writing = true;
  const fold = async () => {
    while (writing) await foldBoth();
  };
  const folding = fold();
  await Promise.all([write(), write()]);
  writing = false;
  await folding;
  await foldBoth();
  expect(accepted).toBe(1800);
  const { hours, minutes } = await rollUps(metric);
  expect([hours.samples, hours.wrong, minutes.samples, minutes.wrong]).toEqual([1800, 0, 1800, 0]);
  expect(hours.revision).toBeGreaterThan(1);
});
