import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect } from '@jest/globals';
import type { Database } from '../../src/kernel/db/database.ts';
import { Fold } from '../../src/modules/metrics/fold.ts';
import { metricSeries } from '../../src/modules/metrics/series.ts';
import { openDatabase } from './kernel.ts';
import { type Client, startService, type TestService } from './service.ts';
import type { Aggregate, Reading } from './usage-oracle.ts';

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
export const aggregates: readonly Aggregate[] = ['avg', 'min', 'max', 'sum', 'count', 'p50', 'p95', 'p99'];

/** How long samples and roll-ups are kept by default. */
export const series = metricSeries({ keepDays: 30, keepMinutesDays: 90, keepHoursDays: 730 });

/** One service for the tests of a file, beside which they fold and ask by themselves. */
export function useFolding() {
  let service: TestService;
  let db: Database;
  beforeAll(async () => {
    service = await startService();
    db = openDatabase(service.database.url);
  });
  afterAll(async () => {
    await db.close();
    await service.stop();
  });
  return {
    service: () => service,
    db: () => db,
    /** Folds everything that is due, as the worker does. */
    fold: () => new Fold(db, series).run(),
  };
}

interface Point {
  at: string;
  value: number | null;
  revision?: number | null;
}
export interface Answer {
  step: string;
  agg: string;
  source: string;
  series: { key: string; unit: string; points: Point[] }[];
}

/** A metric of the test's own. */
export const newMetric = () => `m${randomUUID().replaceAll('-', '')}`;
export const iso = (ms: number) => new Date(ms).toISOString();
/** The begin of an hour, `hours` ago. */
export const hourAgo = (hours: number) => Math.floor(Date.now() / hourMs) * hourMs - hours * hourMs;

/** Stores readings in watts; all of them must be new. */
export async function recordReadings(
  client: Client,
  metric: string,
  readings: readonly Reading[],
): Promise<void> {
  for (let begin = 0; begin < readings.length; begin += 10_000) {
    const samples = readings
      .slice(begin, begin + 10_000)
      .map(({ at, ...reading }) => ({ ...reading, metric, unit: 'W', at: iso(at) }));
    const { body } = await client.post('/v1/usage-metrics').send({ samples }).expect(202);
    expect(body).toMatchObject({ accepted: samples.length, rejected: [] });
  }
}

export const queryUsage = (client: Client, parameters: Record<string, string | number>) =>
  client.get(`/v1/usage-metrics?${new URLSearchParams(parameters as Record<string, string>)}`);

export const valuesOf = ({ series: [first] }: Answer) => first?.points.map(({ value }) => value);

/** Readings at irregular times over some hours, with holes: of a generator that gives the same ones each time. */
export function readingsOf(gpuId: string, from: number, hours: number, perHour: number): Reading[] {
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

/** Sums of floating-point numbers depend on their order in the last digits. */
export const rounded = (value: number | null): number | null =>
  value === null ? null : Number(value.toPrecision(12));
