import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createKey, type TestNode } from '../support/fleet.ts';
import { addGpus, type GpuRow } from '../support/gpu-rows.ts';
import { until } from '../support/until.ts';
import {
  type Answer,
  aggregates,
  dayMs,
  hourAgo,
  hourMs,
  iso,
  minuteMs,
  newMetric,
  queryUsage,
  readingsOf,
  recordReadings,
  rounded,
  useFolding,
  valuesOf,
} from '../support/usage.ts';
import { type Aggregate, aggregate, type Reading } from '../support/usage-oracle.ts';

const { fold, service } = useFolding();

const addGpu = async (row: GpuRow = {}): Promise<string> =>
  (await addGpus(service().sql, [row])).gpuIds[0] as string;

const record = (metric: string, readings: readonly Reading[]) =>
  recordReadings(service().as(), metric, readings);

const query = (parameters: Record<string, string | number>, client = service().as()) =>
  queryUsage(client, parameters);

async function ask(parameters: Record<string, string | number>, client = service().as()): Promise<Answer> {
  return (await query(parameters, client).expect(200)).body;
}

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

  it('of the last minutes, to a moment within one, hold nothing from before them', async () => {
    const [gpuId, other, metric, t] = [await addGpu(), await addGpu(), newMetric(), hourAgo(4)];
    await record(metric, [
      { gpuId, at: t + 30_000, value: 1000 },
      { gpuId, at: t + 6 * minuteMs, value: 1 },
      { gpuId: other, at: t + 4 * minuteMs, value: 5 },
      { gpuId: other, at: t + 7 * minuteMs, value: 2 },
      { gpuId: await addGpu(), at: t + minuteMs, value: 7 },
    ]);
    const range = {
      metric,
      from: iso(t + 5 * minuteMs),
      to: iso(t + 8 * minuteMs + 1),
      step: '1m',
      agg: 'sum',
    };
    for (const folded of [false, true]) {
      if (folded) await fold();
      const { source, series: all } = await ask({ ...range, top: 2 });
      expect([source, all.map(({ key, points }) => [key, points.map(({ value }) => value)])]).toEqual([
        'minute',
        [
          [other, [null, null, 2, null]],
          [gpuId, [null, 1, null, null]],
        ],
      ]);
      expect((await ask(range)).series).toHaveLength(2);
    }
  });

  it('are as fine as moments are: none is lost that is shorter than a millisecond', async () => {
    const [gpuId, metric] = [await addGpu(), newMetric()];
    const second = iso(hourAgo(2)).slice(0, 19);
    const at = (micros: string) => `${second}.${micros}Z`;
    const samples = ['000099', '000100', '000899', '000900'].map((micros, index) => ({
      ...{ gpuId, metric, unit: 'W' },
      value: 10 ** index,
      at: at(micros),
    }));
    await service().as().post('/v1/usage-metrics').send({ samples }).expect(202);
    const sums = async (from: string, to: string) =>
      valuesOf(await ask({ gpuId, metric, from, to, step: '1s', agg: 'sum' }));
    expect(await sums(at('000100'), at('000900'))).toEqual([110]);
    expect(await sums(iso(hourAgo(2) - 1000), at('000900'))).toEqual([null, 111]);
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
    // Those at the very begin of an hour are of that hour alone.
    const onTheHour = [2, 3, 4].map((hour) => ({ gpuId, at: from + hour * hourMs, value: 50 + hour }));
    readings = [...readingsOf(gpuId, from, 26, 40), ...onTheHour];
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
      service().sql,
      models.map((modelId) => ({ modelId })),
    );
    a = { id: rows.nodeId, providerId: rows.providerId, key: await agentKey(rows.nodeId) };
    const other = await addGpus(service().sql, [{}]);
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

  const agentKey = (nodeId: string) => createKey(service(), { role: 'agent', nodeId });
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
    const provider = service().as(await createKey(service(), { role: 'provider', providerId: a.providerId }));
    expect((await ask(range(), provider)).series).toHaveLength(3);
    expect((await ask(range(), service().as(b.key))).series).toHaveLength(1);
    const viewer = service().as(await createKey(service(), { role: 'viewer' }));
    expect((await ask(range(), viewer)).series).toHaveLength(4);
    await query({ ...range(), gpuId: gpuIds[3] ?? '' }, provider).expect(404);
    await query({ ...range(), gpuId: randomUUID() }, provider).expect(404);
    expect((await ask({ ...range(), nodeId: b.id }, provider)).series).toEqual([]);
  });

  it('are not for tenants, 403', async () => {
    const { body } = await service().as().post('/v1/tenants').send({ name: 'Tenant' }).expect(201);
    const tenant = service().as(await createKey(service(), { role: 'tenant', tenantId: body.id }));
    await query(range(), tenant).expect(403);
  });

  it('keep what was measured on a GPU that is deleted since', async () => {
    await service().sql.query('UPDATE inventory.gpu_state SET deleted_at = now() WHERE gpu_id = $1', [
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

describe('a question that takes too long', () => {
  /** Cancels its first statement, as the statement's own time-out does, while a lock keeps it from being done. */
  async function askAndCancel(parameters: Record<string, string | number>) {
    const lock = await service().sql.connect();
    await lock.query('BEGIN; LOCK TABLE inventory.metric_sample IN ACCESS EXCLUSIVE MODE');
    const answer = query(parameters).then((response) => response);
    await until('the statement is cancelled', async () => {
      const { rows } = await lock.query(
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      return rows.length > 0;
    });
    await lock.query('ROLLBACK');
    lock.release();
    return answer;
  }

  it('is told from sketches where it asks for a percentile of whole hours', async () => {
    const [gpuId, metric, t] = [await addGpu(), newMetric(), hourAgo(6)];
    await record(
      metric,
      Array.from({ length: 100 }, (_, index) => ({ gpuId, at: t + index * 1000, value: index + 1 })),
    );
    await fold();
    const range = { gpuId, metric, agg: 'p95', from: iso(t), to: iso(t + 2 * hourMs), step: '1h' };
    const { status, body } = await askAndCancel(range);
    expect([status, body.source, body.series[0].points[1].value]).toEqual([200, 'hour', null]);
    expect(Math.abs(body.series[0].points[0].value / 95 - 1)).toBeLessThan(0.01);
    expect((await ask(range)).source).toBe('raw');
  });

  it.each([
    ['5m', 'p95', 'samples'],
    ['5m', 'avg', 'roll-ups of minutes'],
    ['1h', 'avg', 'roll-ups of hours'],
  ])('is refused otherwise, 503, with what can be asked instead: %s, %s', async (step, agg, source) => {
    const [gpuId, metric, t] = [await addGpu(), newMetric(), hourAgo(6)];
    await record(metric, [{ gpuId, at: t, value: 1 }]);
    await fold();
    const { status, body } = await askAndCancel({
      ...{ gpuId, metric, agg, step },
      ...{ from: iso(t), to: iso(t + hourMs) },
    });
    expect([status, body.code]).toEqual([503, 'query.timeout']);
    expect(body.detail).toContain(source);
    expect(body.detail).toContain('ask for a shorter range or fewer GPUs');
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
    const { gpuIds } = await addGpus(service().sql, [{}, {}, {}]);
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
