import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, it } from '@jest/globals';
import { addGpus } from '../support/gpu-rows.ts';
import { describeOver, outsideData } from '../support/outside-data.ts';
import { useFolding } from '../support/usage.ts';
import { type Aggregate, aggregate, type Reading } from '../support/usage-oracle.ts';

const power = outsideData('benchmarks/system-power-8xh200-3d-unet-offline.csv');
const cluster = outsideData('traces/helios/vc6YE-minutely.csv.gz');

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const batchSize = 10_000;

const { fold, service } = useFolding();

/** Moves a recording so that it begins at `begin`: what it says of time are its distances. */
const shifted = (readings: readonly Reading[], begin: number): Reading[] =>
  readings.map((reading) => ({ ...reading, at: reading.at - (readings[0]?.at ?? 0) + begin }));

async function newGpu(): Promise<string> {
  return (await addGpus(service().sql, [{}])).gpuIds[0] as string;
}

async function record(metric: string, unit: string, readings: readonly Reading[]): Promise<void> {
  let accepted = 0;
  for (let begin = 0; begin < readings.length; begin += batchSize) {
    const samples = readings
      .slice(begin, begin + batchSize)
      .map(({ at, ...reading }) => ({ ...reading, metric, unit, at: new Date(at).toISOString() }));
    accepted += (await service().as().post('/v1/usage-metrics').send({ samples }).expect(202)).body.accepted;
  }
  expect(accepted).toBe(readings.length);
}

interface Range {
  from: number;
  to: number;
  step: string;
}

/** Every aggregate of every range, as the API tells it and as it is recomputed from the readings. */
async function compare(
  metric: string,
  readings: readonly Reading[],
  ranges: readonly Range[],
): Promise<void> {
  const aggregates: Aggregate[] = ['avg', 'min', 'max', 'sum', 'count', 'p50', 'p95', 'p99'];
  for (const range of ranges) {
    for (const agg of aggregates) {
      const query = new URLSearchParams({
        ...{ gpuId: readings[0]?.gpuId ?? '', metric, agg, step: range.step },
        ...{ from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() },
      });
      const { body } = await service().as().get(`/v1/usage-metrics?${query}`).expect(200);
      const told = body.series[0].points.map(({ value }: { value: number | null }) => rounded(value));
      expect([range.step, agg, told]).toEqual([
        range.step,
        agg,
        aggregate(readings, range, agg).map(rounded),
      ]);
    }
  }
}

describeOver(power)('the power of a server with eight H200, once a second', () => {
  const begin = Math.floor(Date.now() / hourMs) * hourMs - 50 * hourMs;
  let readings: Reading[];

  beforeAll(async () => {
    const gpuId = await newGpu();
    const [, ...lines] = readFileSync(power ?? '', 'utf8')
      .trim()
      .split('\n');
    const parsed = lines.map((line): Reading => {
      const [time = '', watts = ''] = line.split(',');
      const [, month, day, year, clock] = /^(\d+)-(\d+)-(\d+) (.*)$/.exec(time) ?? [];
      return { gpuId, at: Date.parse(`${year}-${month}-${day}T${clock}Z`), value: Number(watts) };
    });
    readings = shifted(parsed, begin + 17 * 60_000);
    await record('systemPowerW', 'W', readings);
  });

  const ranges: Range[] = [
    { from: begin, to: begin + hourMs, step: '1h' },
    { from: begin, to: begin + hourMs, step: '1m' },
    { from: begin + 17 * 60_000, to: begin + 30 * 60_000, step: '10s' },
    { from: begin + 17 * 60_000 + 500, to: begin + 29 * 60_000, step: '97s' },
  ];

  it('is told as it was measured, before the roll-up', () => compare('systemPowerW', readings, ranges));
  it('and after it', async () => {
    await fold();
    await compare('systemPowerW', readings, ranges);
  });
});

describeOver(cluster)('the GPUs in use of a cluster, once a minute for four weeks', () => {
  const begin = Math.floor(Date.now() / dayMs) * dayMs - 29 * dayMs;
  let readings: Reading[];

  beforeAll(async () => {
    const gpuId = await newGpu();
    const [head = '', ...lines] = gunzipSync(readFileSync(cluster ?? ''))
      .toString()
      .trim()
      .split('\n');
    const column = head.split(',').indexOf('running_gpu_num');
    const parsed = lines.map((line): Reading => {
      const cells = line.split(',');
      return { gpuId, at: Date.parse(`${cells[0]?.replace(' ', 'T')}Z`), value: Number(cells[column]) };
    });
    readings = shifted(parsed, begin).filter(({ at }) => at < begin + 28 * dayMs);
    await record('gpusInUse', 'gpus', readings);
  }, 120_000);

  const ranges: Range[] = [
    { from: begin, to: begin + 28 * dayMs, step: '1d' },
    { from: begin + 3 * dayMs, to: begin + 10 * dayMs, step: '1h' },
    { from: begin + dayMs, to: begin + 2 * dayMs, step: '7m' },
  ];

  it('is told as it was counted, before the roll-up', () => compare('gpusInUse', readings, ranges), 60_000);
  it('and after it', async () => {
    await fold();
    await compare('gpusInUse', readings, ranges);
  }, 60_000);
});

/** Sums of floating-point numbers depend on their order in the last digits. */
const rounded = (value: number | null): number | null =>
  value === null ? null : Number(value.toPrecision(12));
