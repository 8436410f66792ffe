import { stepSeconds } from '../../src/modules/metrics/resolution.ts';

export interface Reading {
  gpuId: string;
  /** Milliseconds of the epoch. */
  at: number;
  value: number;
}

export type Aggregate = 'avg' | 'min' | 'max' | 'sum' | 'count' | 'p50' | 'p95' | 'p99';

/** Between the two samples around the rank by the distance to them, or the lower of the two. */
type Interpolation = 'linear' | 'lower';

function percentile(sorted: readonly number[], share: number, interpolation: Interpolation): number {
  const rank = share * (sorted.length - 1);
  const [low = 0, high = low] = [sorted[Math.floor(rank)], sorted[Math.ceil(rank)]];
  return interpolation === 'lower' ? low : low + (high - low) * (rank - Math.floor(rank));
}

function reduce(values: readonly number[], agg: Aggregate, interpolation: Interpolation): number {
  const sum = values.reduce((total, value) => total + value, 0);
  switch (agg) {
    case 'avg':
      return sum / values.length;
    case 'min':
      return Math.min(...values);
    case 'max':
      return Math.max(...values);
    case 'sum':
      return sum;
    case 'count':
      return values.length;
    default:
      return percentile(
        values.toSorted((a, b) => a - b),
        Number(agg.slice(1)) / 100,
        interpolation,
      );
  }
}

/** What readings come to in each bucket of a range, null where there are none: computed from the readings alone. */
export function aggregate(
  readings: readonly Reading[],
  { from, to, step }: { from: number; to: number; step: string },
  agg: Aggregate,
  interpolation: Interpolation = 'linear',
): (number | null)[] {
  const stepMs = stepSeconds(step) * 1000;
  const buckets: number[][] = Array.from({ length: Math.ceil((to - from) / stepMs) }, () => []);
  for (const { at, value } of readings)
    if (at >= from && at < to) buckets[Math.floor((at - from) / stepMs)]?.push(value);
  return buckets.map((values) => (values.length === 0 ? null : reduce(values, agg, interpolation)));
}
