/** What a question is answered from: samples, or the roll-ups of minutes or hours. */
export type Source = 'raw' | 'minute' | 'hour';

const sourceMs = { raw: 0, minute: 60_000, hour: 3_600_000 } as const;

const unitsS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** A step such as `90s` or `6h`, in seconds. */
export function stepSeconds(text: string): number {
  const [, count, unit = 's'] = /^(\d+)([smhd])$/.exec(text) ?? [];
  return Number(count) * unitsS[unit as keyof typeof unitsS];
}

/** Steps that people like to look at. */
const likedSteps = ['10s', '1m', '5m', '15m', '1h', '6h', '1d', '7d'] as const;
const likedPoints = 240;

/** The finest of them that makes at most 240 points of a range. */
export const defaultStep = (rangeMs: number): string =>
  likedSteps.find((step) => rangeMs <= stepSeconds(step) * 1000 * likedPoints) ?? '30d';

/** A moment to the microsecond, as `parseTimestamp` writes it, that begins a minute or an hour. */
const isWhole = (moment: string, source: 'minute' | 'hour'): boolean =>
  moment.endsWith('.000000Z') && Date.parse(moment) % sourceMs[source] === 0;

interface Range {
  from: string;
  stepS: number;
}

const divides = ({ from, stepS }: Range, source: 'minute' | 'hour'): boolean =>
  (stepS * 1000) % sourceMs[source] === 0 && isWhole(from, source);

/**
 * The coarsest source whose windows make up the buckets of a range. Percentiles are exact as long as there are samples,
 * from `rawSince` on; of what is older only hours know the distribution.
 */
export function sourceFor(range: Range, isPercentile: boolean, rawSince: number): Source {
  if (isPercentile) return Date.parse(range.from) < rawSince && divides(range, 'hour') ? 'hour' : 'raw';
  if (divides(range, 'hour')) return 'hour';
  return divides(range, 'minute') ? 'minute' : 'raw';
}

/** Until when roll-ups can answer for a range that ends at `to`: samples answer for the rest of the window. */
export function rolledUntil(to: string, source: Source): string {
  if (source === 'raw' || isWhole(to, source)) return to;
  return new Date(Math.floor(Date.parse(to) / sourceMs[source]) * sourceMs[source]).toISOString();
}
