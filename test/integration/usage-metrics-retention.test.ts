import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import sql from 'sql-template-tag';
import { loadConfig } from '../../src/config/index.ts';
import { runRetention } from '../../src/kernel/retention.ts';
import { seriesOf } from '../../src/module.ts';
import { UsageAnswers } from '../../src/modules/metrics/answers.ts';
import { modules } from '../../src/modules.ts';
import { addGpus } from '../support/gpu-rows.ts';
import { requestOf } from '../support/kernel.ts';
import {
  type Answer,
  dayMs,
  hourAgo,
  hourMs,
  iso,
  newMetric,
  readingsOf,
  recordReadings,
  rounded,
  useFolding,
  valuesOf,
} from '../support/usage.ts';
import { type Aggregate, aggregate, type Reading } from '../support/usage-oracle.ts';

const { db, fold, service } = useFolding();

describe('when samples are gone', () => {
  const metric = newMetric();
  const from = Math.floor(hourAgo(0) / dayMs) * dayMs - 5 * dayMs;
  let gpuId: string;
  let readings: Reading[];
  const all = { step: '1h', from, to: from + 20 * hourMs };
  const later = new Date(from + 40 * dayMs);
  /** As the service answers 40 days later. */
  const askLater = (agg: Aggregate, step = '1h') =>
    new UsageAnswers({ db: db(), keepDays: 30, clock: { now: () => later.getTime() } }).ask(
      { ...requestOf(), log: service().application.kernel.log },
      { gpuId, metric, step, agg, from: iso(all.from), to: iso(all.to) },
    ) as Promise<Answer>;

  beforeAll(async () => {
    [gpuId = ''] = (await addGpus(service().sql, [{}])).gpuIds;
    readings = [...readingsOf(gpuId, from, 20, 60), { gpuId, at: from + 1, value: 0 }];
    await recordReadings(service().as(), metric, readings);
  });

  const retention = (moment: Date) =>
    runRetention(db(), seriesOf(modules, loadConfig(modules, {})), {
      moment: sql`${moment}::timestamptz`,
    });

  const isOfTheDay = ({ table, from: begin }: { table: string; from: string }) =>
    table === 'metric_sample' && begin === iso(from).replace('.000', '');

  it.each(['metric_unfolded', 'metric_late'])(
    'they have stayed as long as they were not rolled up: %s',
    async (table) => {
      // The mark of an hour that cannot be folded by anybody meanwhile.
      const holder = await service().sql.connect();
      const [gpu, at] = [randomUUID(), new Date(from)];
      await holder.query('BEGIN');
      await service().sql.query(
        `INSERT INTO inventory.${table} (gpu_id, metric_id, hour) VALUES ($1, 0, $2)`,
        [gpu, at],
      );
      await holder.query(`SELECT FROM inventory.${table} WHERE gpu_id = $1 FOR UPDATE`, [gpu]);
      await fold();
      const verdicts = await retention(later);
      expect(verdicts.find(isOfTheDay)).toMatchObject({ table: 'metric_sample', outcome: 'in_use' });
      await holder.query('ROLLBACK');
      holder.release();
      await service().sql.query(`DELETE FROM inventory.${table} WHERE gpu_id = $1`, [gpu]);
    },
  );

  it('partitions of samples go after 30 days, roll-ups stay', async () => {
    const verdicts = await retention(later);
    expect(verdicts.find(isOfTheDay)).toMatchObject({ table: 'metric_sample', outcome: 'dropped' });
    expect(verdicts.filter(({ table }) => table.startsWith('metric_') && table !== 'metric_sample')).toEqual(
      [],
    );
    const left = await service().sql.query(
      'SELECT FROM inventory.metric_sample WHERE gpu_id = $1 AND at < $2',
      [gpuId, new Date(from + dayMs)],
    );
    expect(left.rowCount).toBe(0);
  });

  it.each(['avg', 'min', 'max', 'sum', 'count'] as const)('roll-ups tell the same: %s', async (agg) => {
    const right = aggregate(readings, all, agg).map(rounded);
    expect(valuesOf(await askLater(agg))?.map(rounded)).toEqual(right);
  });

  it.each(['p50', 'p95', 'p99'] as const)(
    'percentiles are within 1 %% of the sample of that rank: %s',
    async (agg) => {
      for (const step of ['1h', '5h']) {
        const answer = await askLater(agg, step);
        expect(answer.source).toBe('hour');
        const ranked = aggregate(readings, { ...all, step }, agg, 'lower');
        const values = valuesOf(answer) ?? [];
        expect(values.map((value) => value === null)).toEqual(ranked.map((value) => value === null));
        for (const [index, value] of values.entries()) {
          const right = ranked[index] ?? 0;
          expect(Math.abs((value ?? 0) - right)).toBeLessThanOrEqual(Math.abs(right) * 0.0101 + 1e-9);
        }
      }
    },
  );

  it('minutes go after 90 days, hours after two years', async () => {
    const tables = async (days: number) =>
      new Set((await retention(new Date(from + days * dayMs))).map(({ table }) => table));
    expect((await tables(100)).has('metric_minute')).toBe(true);
    expect((await tables(100)).has('metric_hour')).toBe(false);
    expect((await tables(800)).has('metric_hour')).toBe(true);
  });
});
