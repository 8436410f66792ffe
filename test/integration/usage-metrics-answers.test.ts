import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sql from 'sql-template-tag';
import { loadConfig } from '../../src/config/index.ts';
import type { Database } from '../../src/kernel/db/database.ts';
import { runRetention } from '../../src/kernel/retention.ts';
import { seriesOf } from '../../src/module.ts';
import { UsageAnswers } from '../../src/modules/metrics/answers.ts';
import { Fold } from '../../src/modules/metrics/fold.ts';
import { metricSeries } from '../../src/modules/metrics/series.ts';
import { modules } from '../../src/modules.ts';
import { createKey, type TestNode } from '../support/fleet.ts';
import { addGpus, type GpuRow } from '../support/gpu-rows.ts';
import { openDatabase, requestOf } from '../support/kernel.ts';
import { type Client, startService, type TestService } from '../support/service.ts';
import { type Aggregate, aggregate, type Reading } from '../support/usage-oracle.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const aggregates: readonly Aggregate[] = ['avg', 'min', 'max', 'sum', 'count', 'p50', 'p95', 'p99'];
const series = metricSeries({ keepDays: 30, keepMinutesDays: 90, keepHoursDays: 730 });

let service: TestService;
let operator: Client;
let db: Database;
beforeAll(async () => {
  service = await startService();
  operator = service.as();
  db = openDatabase(service.database.url);
});
afterAll(async () => {
  await db.close();
  await service.stop();
});

interface Point {
  at: string;
  value: number | null;
  revision?: number | null;
}
interface Answer {
  step: string;
  agg: string;
  source: string;
  series: { key: string; unit: string; points: Point[] }[];
}

const newMetric = () => `m${randomUUID().replaceAll('-', '')}`;
const iso = (ms: number) => new Date(ms).toISOString();
const hourAgo = (hours: number) => Math.floor(Date.now() / hourMs) * hourMs - hours * hourMs;
const addGpu = async (row: GpuRow = {}): Promise<string> =>
  (await addGpus(service.sql, [row])).gpuIds[0] as string;

async function record(metric: string, readings: readonly Reading[]): Promise<void> {
  for (let begin = 0; begin < readings.length; begin += 10_000) {
    const samples = readings
      .slice(begin, begin + 10_000)
      .map(({ at, ...reading }) => ({ ...reading, metric, unit: 'W', at: iso(at) }));
    const { body } = await operator.post('/v1/usage-metrics').send({ samples }).expect(202);
    expect(body).toMatchObject({ accepted: samples.length, rejected: [] });
  }
}

const query = (parameters: Record<string, string | number>, client = operator) =>
  client.get(`/v1/usage-metrics?${new URLSearchParams(parameters as Record<string, string>)}`);

async function ask(parameters: Record<string, string | number>, client = operator): Promise<Answer> {
  return (await query(parameters, client).expect(200)).body;
}

const valuesOf = ({ series: [first] }: Answer) => first?.points.map(({ value }) => value);

/** Readings at irregular times over some hours, with holes: of a generator that gives the same ones each time. */
function readingsOf(gpuId: string, from: number, hours: number, perHour: number): Reading[] {
  let state = 12345;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  return Array.from({ length: hours * perHour }, (_, index) => ({
    gpuId,
    at: from + Math.floor((index + random()) * (hourMs / perHour)),
    value: Math.round((random() ** 3 * 700 - 20) * 1000) / 1000,
  })).filter(({ at }) => Math.floor(at / hourMs) % 3 !== 1);
}

/** Folds everything that is due, as the worker does. */
const fold = () => new Fold(db, series).run();

describe('buckets', () => {
  it('are counted from `from`, hold their begin and not their end, and gaps are null', async () => {
    const [gpuId, metric, t] = [await addGpu(), newMetric(), hourAgo(1) + 1234];
    await record(metric, [
      { gpuId, at: t, value: 1 },
      { gpuId, at: t + 9999, value: 3 },
      { gpuId, at: t + 10_000, value: 10 },
      { gpuId, at: t + 30_000, value: 0 },
      { gpuId, at: t + 40_000, value: 99 },
    ]);
    expect(await ask({ gpuId, metric, from: iso(t), to: iso(t + 40_000), step: '10s' })).toEqual({
      step: '10s',
      agg: 'avg',
      source: 'raw',
      from: iso(t),
      to: iso(t + 40_000),
      series: [
        {
          key: gpuId,
          unit: 'W',
          points: [
            { at: iso(t), value: 2 },
            { at: iso(t + 10_000), value: 10 },
            { at: iso(t + 20_000), value: null },
            { at: iso(t + 30_000), value: 0 },
          ],
        },
      ],
    });
  });

  it('may be cut off by the end of the range', async () => {
    const [gpuId, metric, t] = [await addGpu(), newMetric(), hourAgo(5)];
    await record(metric, [
      { gpuId, at: t, value: 1 },
      { gpuId, at: t + 69_999, value: 2 },
      { gpuId, at: t + 70_000, value: 3 },
    ]);
    for (const folded of [false, true]) {
      if (folded) await fold();
      const answer = await ask({ gpuId, metric, from: iso(t), to: iso(t + 70_000), step: '1m', agg: 'sum' });
      expect([answer.source, valuesOf(answer)]).toEqual(['minute', [1, 2]]);
    }
  });

  it('are told of the last hour by default', async () => {
    const [gpuId, metric] = [await addGpu(), newMetric()];
    await record(metric, [{ gpuId, at: Date.now() - 1000, value: 7 }]);
    const answer = await ask({ gpuId, metric });
    expect(answer).toMatchObject({ step: '1m', agg: 'avg' });
    expect(valuesOf(answer)).toHaveLength(60);
    expect(valuesOf(answer)?.filter((value) => value !== null)).toEqual([7]);
  });

  it('of a GPU that is named are all told, though there be no sample; of a metric that is not known, none', async () => {
    const [gpuId, metric, t] = [await addGpu(), newMetric(), hourAgo(3)];
    const range = { from: iso(t), to: iso(t + hourMs), step: '30m' };
    expect((await ask({ gpuId, metric, ...range })).series).toEqual([]);
    await record(metric, [{ gpuId: await addGpu(), at: t, value: 1 }]);
    expect(valuesOf(await ask({ gpuId, metric, ...range }))).toEqual([null, null]);
  });
});

describe('every aggregate equals what the samples come to,', () => {
  let gpuId: string;
  let readings: Reading[];
  const metric = newMetric();
  const from = hourAgo(30);
  beforeAll(async () => {
    gpuId = await addGpu();
    readings = readingsOf(gpuId, from, 26, 40);
    await record(metric, readings);
  });

  const cases = [
    { step: '1h', from, to: from + 26 * hourMs },
    { step: '6h', from: from + hourMs, to: from + 24 * hourMs },
    { step: '5m', from: from + 5 * minuteMs, to: from + 9 * hourMs },
    { step: '90m', from, to: from + 26 * hourMs },
    { step: '1h', from, to: from + 10 * hourMs + 17 * minuteMs + 3 },
    { step: '7m', from: from + 1, to: from + 5 * hourMs },
    { step: '97s', from, to: from + 5 * hourMs },
  ];

  const expectRight = async (agg: Aggregate) => {
    for (const range of cases) {
      const { step, ...times } = range;
      const answer = await ask({ gpuId, metric, step, agg, from: iso(times.from), to: iso(times.to) });
      const right = aggregate(readings, range, agg);
      expect([range, answer.source, valuesOf(answer)?.map(rounded)]).toEqual([
        range,
        answer.source,
        right.map(rounded),
      ]);
    }
  };

  it.each(aggregates)('before the fold: %s', expectRight);
  it('is folded', fold);
  it.each(aggregates)('after the fold: %s', expectRight);

  it('is answered from the coarsest roll-up that divides the step', async () => {
    const sources = await Promise.all(
      cases.map(async ({ step, ...times }) => {
        const { source } = await ask({ gpuId, metric, step, from: iso(times.from), to: iso(times.to) });
        return source;
      }),
    );
    expect(sources).toEqual(['hour', 'hour', 'minute', 'minute', 'hour', 'raw', 'raw']);
  });

  it('is still so after a late sample, at once and when it is folded; the hour then has a revision', async () => {
    // An hour of which something is known already, and the one after it.
    const begin = Math.floor((readings[200]?.at ?? 0) / hourMs) * hourMs;
    const late = { gpuId, at: begin + 30_000, value: 1234 };
    const range = { step: '1h', from: begin, to: begin + 2 * hourMs };
    const parameters = {
      ...{ gpuId, metric, step: '1h', agg: 'sum', from: iso(range.from), to: iso(range.to) },
      include: 'revision',
    };
    const before = await ask(parameters);
    expect(before.series[0]?.points.map(({ revision }) => revision)).toEqual(
      before.series[0]?.points.map(({ value }) => (value === null ? null : 1)),
    );
    await record(metric, [late]);
    const right = aggregate([...readings, late], range, 'sum').map(rounded);
    expect(valuesOf(await ask(parameters))?.map(rounded)).toEqual(right);
    await fold();
    const after = await ask(parameters);
    expect(valuesOf(after)?.map(rounded)).toEqual(right);
    expect(after.series[0]?.points[0]?.revision).toBe(2);
    await fold();
    expect(await ask(parameters)).toEqual(after);
    const minutes = await ask({ ...parameters, step: '1m' });
    expect(minutes.source).toBe('minute');
    const restated = minutes.series[0]?.points.filter(({ revision }) => revision === 2).length ?? 0;
    expect(restated).toBeLessThanOrEqual(1);
  });
});

describe('groups', () => {
  const metric = newMetric();
  const t = hourAgo(4);
  let gpuIds: string[];
  let a: TestNode;
  let b: TestNode;

  beforeAll(async () => {
    const models = ['nvidia-rtx-4090-24gb', 'nvidia-rtx-4090-24gb', 'nvidia-h100-80gb-hbm3'];
    const rows = await addGpus(
      service.sql,
      models.map((modelId) => ({ modelId })),
    );
    a = { id: rows.nodeId, providerId: rows.providerId, key: await agentKey(rows.nodeId) };
    const other = await addGpus(service.sql, [{}]);
    b = { id: other.nodeId, providerId: other.providerId, key: await agentKey(other.nodeId) };
    gpuIds = [...rows.gpuIds, ...other.gpuIds];
    await record(
      metric,
      gpuIds.flatMap((gpuId, index) => [
        { gpuId, at: t, value: 100 * (index + 1) },
        { gpuId, at: t + 1000, value: 100 * (index + 1) + 50 },
      ]),
    );
  });

  const agentKey = (nodeId: string) => createKey(service, { role: 'agent', nodeId });
  const range = () => ({ metric, from: iso(t), to: iso(t + hourMs), step: '1h', agg: 'max' });
  const highest = ({ series: all }: Answer) =>
    Object.fromEntries(all.map(({ key, points: [point] }) => [key, point?.value]));

  it('are GPUs, nodes, providers or models', async () => {
    const byGpu = Object.fromEntries(gpuIds.map((id, index) => [id, 100 * (index + 1) + 50]));
    expect(highest(await ask(range()))).toEqual(byGpu);
    expect(highest(await ask({ ...range(), groupBy: 'node' }))).toEqual({ [a.id]: 350, [b.id]: 450 });
    expect(highest(await ask({ ...range(), groupBy: 'provider' }))).toEqual({
      [a.providerId]: 350,
      [b.providerId]: 450,
    });
    expect(highest(await ask({ ...range(), groupBy: 'model' }))).toEqual({
      'nvidia-rtx-4090-24gb': 250,
      'nvidia-h100-80gb-hbm3': 350,
      uncatalogued: 450,
    });
  });

  it('are told of the GPUs that fit the filters', async () => {
    const keys = async (filter: Record<string, string>) =>
      Object.keys(highest(await ask({ ...range(), ...filter })));
    expect(await keys({ gpuId: gpuIds[1] ?? '' })).toEqual([gpuIds[1]]);
    expect((await keys({ 'gpuId.in': gpuIds.slice(1, 3).join(',') })).sort()).toEqual(
      gpuIds.slice(1, 3).sort(),
    );
    expect((await keys({ nodeId: a.id })).sort()).toEqual(gpuIds.slice(0, 3).sort());
    expect(await keys({ providerId: b.providerId })).toEqual([gpuIds[3]]);
    expect(await keys({ modelId: 'nvidia-h100-80gb-hbm3' })).toEqual([gpuIds[2]]);
    expect(await keys({ nodeId: a.id, modelId: 'uncatalogued' })).toEqual([]);
  });

  it('are the highest ones, highest first, with top', async () => {
    const { series: top } = await ask({ ...range(), top: 2 });
    expect(top.map(({ key }) => key)).toEqual([gpuIds[3], gpuIds[2]]);
  });

  it('are those of a provider’s own, of an agent’s own node, and all for those who watch', async () => {
    const provider = service.as(await createKey(service, { role: 'provider', providerId: a.providerId }));
    expect((await ask(range(), provider)).series).toHaveLength(3);
    expect((await ask(range(), service.as(b.key))).series).toHaveLength(1);
    const viewer = service.as(await createKey(service, { role: 'viewer' }));
    expect((await ask(range(), viewer)).series).toHaveLength(4);
    await query({ ...range(), gpuId: gpuIds[3] ?? '' }, provider).expect(404);
    await query({ ...range(), gpuId: randomUUID() }, provider).expect(404);
    expect((await ask({ ...range(), nodeId: b.id }, provider)).series).toEqual([]);
  });

  it('are not for tenants, 403', async () => {
    const { body } = await operator.post('/v1/tenants').send({ name: 'Tenant' }).expect(201);
    const tenant = service.as(await createKey(service, { role: 'tenant', tenantId: body.id }));
    await query(range(), tenant).expect(403);
  });

  it('keep what was measured on a GPU that is deleted since', async () => {
    await service.sql.query('UPDATE inventory.gpu_state SET deleted_at = now() WHERE gpu_id = $1', [
      gpuIds[0],
    ]);
    expect(highest(await ask({ ...range(), gpuId: gpuIds[0] ?? '' }))).toEqual({ [gpuIds[0] ?? '']: 150 });
  });

  it('come as CSV by parameter or by Accept', async () => {
    const parameters = { ...range(), gpuId: gpuIds[2] ?? '', step: '30m' };
    const lines = `key,unit,at,value\r\n${gpuIds[2]},W,${iso(t)},350\r\n${gpuIds[2]},W,${iso(t + 30 * minuteMs)},\r\n`;
    const asked = await query({ ...parameters, format: 'csv' }).expect(200);
    expect([asked.headers['content-type'], asked.text]).toEqual(['text/csv; charset=utf-8', lines]);
    expect((await query(parameters).set('accept', 'text/csv').expect(200)).text).toBe(lines);
    const json = await query({ ...parameters, format: 'json' })
      .set('accept', 'text/csv, */*')
      .expect(200);
    expect(json.body.series).toHaveLength(1);
  });
});

describe('a question is refused, 400, naming', () => {
  const t = hourAgo(10);
  const good = { metric: 'power', from: iso(t), to: iso(t + hourMs), step: '1m' };
  it.each([
    ['metric', { metric: 'Power' }],
    ['from', { from: iso(t + hourMs) }],
    ['from', { from: 'yesterday' }],
    ['to', { to: '2026-02-30T00:00:00Z' }],
    ['step', { step: '0s' }],
    ['step', { step: '1w' }],
    ['step', { from: iso(t - 10 * dayMs), step: '1s' }],
    ['agg', { agg: 'median' }],
    ['groupBy', { groupBy: 'region' }],
    ['top', { top: 0 }],
    ['top', { top: 501 }],
    ['top', { top: 100, step: '1s' }],
    ['gpuId', { gpuId: '1' }],
    ['region', { region: 'eu' }],
    ['modelId.gt', { 'modelId.gt': 'a' }],
  ])('%s', async (pointer, wrong) => {
    const { body } = await query({ ...good, ...wrong } as Record<string, string>).expect(400);
    expect(body.errors).toMatchObject([{ pointer }]);
  });

  it('top, where there are more series than an answer holds', async () => {
    const [metric, from] = [newMetric(), hourAgo(3)];
    const { gpuIds } = await addGpus(service.sql, [{}, {}, {}]);
    await record(
      metric,
      gpuIds.map((gpuId) => ({ gpuId, at: from, value: 1 })),
    );
    const wide = { metric, from: iso(from - 40_000_000), to: iso(from + 1000), step: '1s' };
    expect((await query({ ...wide, from: iso(from - 10_000_000) }).expect(200)).body.series).toHaveLength(3);
    const { body } = await query({ ...wide, from: iso(from - 10_000_000), top: 10 }).expect(400);
    expect(body.errors).toMatchObject([{ pointer: 'top' }]);
  });
});

describe('when samples are gone', () => {
  const metric = newMetric();
  const from = Math.floor(hourAgo(0) / dayMs) * dayMs - 5 * dayMs;
  let gpuId: string;
  let readings: Reading[];
  const all = { step: '1h', from, to: from + 20 * hourMs };
  const later = new Date(from + 40 * dayMs);
  /** As the service answers 40 days later. */
  const askLater = (agg: Aggregate, step = '1h') =>
    new UsageAnswers({ db, keepDays: 30, clock: { now: () => later.getTime() } }).ask(
      { ...requestOf(), log: service.application.kernel.log },
      { gpuId, metric, step, agg, from: iso(all.from), to: iso(all.to) },
    ) as Promise<Answer>;

  beforeAll(async () => {
    gpuId = await addGpu();
    readings = [...readingsOf(gpuId, from, 20, 60), { gpuId, at: from + 1, value: 0 }];
    await record(metric, readings);
  });

  const retention = (moment: Date) =>
    runRetention(db, seriesOf(modules, loadConfig(modules, {})), {
      moment: sql`${moment}::timestamptz`,
    });

  const isOfTheDay = ({ table, from: begin }: { table: string; from: string }) =>
    table === 'metric_sample' && begin === iso(from).replace('.000', '');

  it('they have stayed as long as they were not rolled up', async () => {
    // The mark of an hour that cannot be folded by anybody meanwhile.
    const holder = await service.sql.connect();
    const [gpu, at] = [randomUUID(), new Date(from)];
    await holder.query('BEGIN');
    await service.sql.query('INSERT INTO inventory.metric_unfolded VALUES ($1, 0, $2)', [gpu, at]);
    await holder.query('SELECT FROM inventory.metric_unfolded WHERE gpu_id = $1 FOR UPDATE', [gpu]);
    await fold();
    const verdicts = await retention(later);
    expect(verdicts.find(isOfTheDay)).toMatchObject({ table: 'metric_sample', outcome: 'in_use' });
    await holder.query('ROLLBACK');
    holder.release();
    await service.sql.query('DELETE FROM inventory.metric_unfolded WHERE gpu_id = $1', [gpu]);
  });

  it('partitions of samples go after 30 days, roll-ups stay', async () => {
    const verdicts = await retention(later);
    expect(verdicts.find(isOfTheDay)).toMatchObject({ table: 'metric_sample', outcome: 'dropped' });
    expect(verdicts.filter(({ table }) => table.startsWith('metric_') && table !== 'metric_sample')).toEqual(
      [],
    );
    const left = await service.sql.query(
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

/** Sums of floating-point numbers depend on their order in the last digits. */
const rounded = (value: number | null): number | null =>
  value === null ? null : Number(value.toPrecision(12));
