import { afterAll, beforeAll, expect, it } from '@jest/globals';
import sql from 'sql-template-tag';
import type { Database } from '../../src/kernel/db/database.ts';
import { Fold } from '../../src/modules/metrics/fold.ts';
import { takeSamples } from '../../src/modules/metrics/store.ts';
import { addGpus } from '../support/gpu-rows.ts';
import { openDatabase } from '../support/kernel.ts';
import { startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { hourAgo, newMetric, series } from '../support/usage.ts';

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

/** Hours of a metric that are to be folded, or folded again. */
async function marksOf(metric: string): Promise<number> {
  const { rows } = await service.sql.query(
    `SELECT count(*)::int AS marks FROM inventory.metric m
       JOIN (SELECT metric_id FROM inventory.metric_unfolded UNION ALL SELECT metric_id FROM inventory.metric_late) u
         ON u.metric_id = m.id WHERE m.name = $1`,
    [metric],
  );
  return rows[0].marks;
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
  expect(await marksOf(metric)).toBe(0);
});

it('late samples that arrive while their hours are folded are in the roll-ups all the same', async () => {
  const [metric, gpuIds] = [newMetric(), (await addGpus(service.sql, Array(5).fill({}))).gpuIds];
  const begin = hourAgo(10);
  let sent = 0;
  const batch = () =>
    gpuIds.flatMap((gpuId) =>
      Array.from({ length: 20 }, () => ({ gpuId, metric, value: sent % 13, at: begin + sent++ * 377 })),
    );
  const accepted: number[] = [];
  const write = async () => {
    for (let round = 0; round < 25; round++) accepted.push(await record(batch()));
  };
  let writing = true;
  const fold = async () => {
    while (writing) await foldBoth();
  };
  const folding = fold();
  await Promise.all([write(), write(), write(), write()]);
  writing = false;
  await folding;
  await foldBoth();
  expect(accepted).toEqual(Array(100).fill(100));
  const { hours, minutes } = await rollUps(metric);
  expect([hours.samples, hours.wrong, minutes.samples, minutes.wrong]).toEqual([10_000, 0, 10_000, 0]);
  expect(hours.revision).toBeGreaterThan(1);
  expect(await marksOf(metric)).toBe(0);
});

/** One late hour of a new metric that is folded, and a client that a test can stop in the middle of a transaction. */
async function foldedHour() {
  const [metric, [gpuId = '']] = [newMetric(), (await addGpus(service.sql, [{}])).gpuIds];
  const at = hourAgo(5);
  const send = (second: number) => record([{ gpuId, metric, value: second, at: at + second * 1000 }]);
  await send(1);
  await foldBoth();
  return { metric, gpuId, at, send };
}

it('late samples do not wait for a fold of their hour that does not come to its end', async () => {
  const { metric, send } = await foldedHour();
  await send(2);
  const fold = await service.sql.connect();
  await fold.query('BEGIN');
  await fold.query('SELECT FROM inventory.metric_unfolded FOR UPDATE');
  await fold.query('DELETE FROM inventory.metric_late');
  await fold.query('UPDATE inventory.metric_hour SET count = count');
  expect(await Promise.all([3, 4, 5].map(send))).toEqual([1, 1, 1]);
  await fold.query('ROLLBACK');
  fold.release();
  await foldBoth();
  expect((await rollUps(metric)).hours).toEqual({ windows: 1, samples: 5, revision: 2, wrong: 0 });
});

it('a fold does not wait for late samples that are not committed yet; they are folded after it', async () => {
  const { metric, gpuId, at, send } = await foldedHour();
  await send(2);
  const samples = [{ gpuId, metric, value: 3, unit: 'W', at: new Date(at + 3000).toISOString() }];
  await replicas[0]?.write({ worker: 'test' }, async (tx) => {
    await takeSamples(tx, { samples, visible: sql`TRUE`, keepDays: 30, isContested: false });
    await new Fold(replicas[1] as Database, series).run();
    expect((await rollUps(metric)).hours).toMatchObject({ samples: 2, revision: 2, wrong: 0 });
  });
  expect(await marksOf(metric)).toBe(1);
  await foldBoth();
  expect((await rollUps(metric)).hours).toMatchObject({ samples: 3, revision: 3, wrong: 0 });
});

it('of two folds of one hour the one that saw more stands, whichever comes last', async () => {
  const { metric, send } = await foldedHour();
  await send(2);
  // One that has read its samples waits before it writes, while another folds one sample more.
  const [gate, slow] = [await service.sql.connect(), openDatabase(service.database.url, 1, 'slow')];
  await gate.query(`
    CREATE FUNCTION wait_if_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF current_setting('application_name') = 'slow' THEN
        PERFORM set_config('lock_timeout', '0', true), pg_advisory_xact_lock(4711);
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER slow BEFORE INSERT ON inventory.metric_minute FOR EACH ROW EXECUTE FUNCTION wait_if_slow();
    CREATE TRIGGER slow BEFORE INSERT ON inventory.metric_hour FOR EACH ROW EXECUTE FUNCTION wait_if_slow()`);
  await gate.query('SELECT pg_advisory_lock(4711)');
  const late = new Fold(slow, series).run();
  await until('the slow fold waits', async () => (await waitingFolds()) === 1);
  await send(3);
  await foldBoth();
  expect((await rollUps(metric)).hours).toMatchObject({ samples: 3, revision: 2, wrong: 0 });
  await gate.query('SELECT pg_advisory_unlock(4711)');
  await late;
  expect((await rollUps(metric)).hours).toMatchObject({ samples: 3, revision: 2, wrong: 0 });
  expect((await rollUps(metric)).minutes).toMatchObject({ samples: 3, wrong: 0 });
  await gate.query('DROP FUNCTION wait_if_slow() CASCADE');
  gate.release();
  await slow.close();
});

async function waitingFolds(): Promise<number> {
  const { rows } = await service.sql.query(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'slow' AND wait_event = 'advisory'`,
  );
  return rows[0].n;
}
