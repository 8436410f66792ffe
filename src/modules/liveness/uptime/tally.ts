import { merged, type Span, split } from './spans.ts';

/** How a node's time is counted, the first that applies: what is planned is neither up nor down, and so on. */
export const timeKinds = ['planned', 'emergency', 'down', 'unknown', 'up'] as const;
export type TimeKind = (typeof timeKinds)[number];

/** Milliseconds by kind. */
export type Tally = Record<TimeKind, number>;

/** A node as its uptime sees it. Spans may overlap, and reach beyond its life. */
export interface NodeRecord {
  /** From its first heartbeat to its deletion, or on. */
  life: Span;
  planned: readonly Span[];
  emergency: readonly Span[];
  down: readonly Span[];
  /** Silent while the breaker had tripped: ours or theirs, nobody knows. */
  unknown: readonly Span[];
}

export const emptyTally = (): Tally => ({ planned: 0, emergency: 0, down: 0, unknown: 0, up: 0 });

const layers = ['planned', 'emergency', 'down', 'unknown'] as const;

/** The node's life as spans of one kind each. */
function partitioned(record: NodeRecord): [TimeKind, Span[]][] {
  let rest = merged([record.life]);
  const parts = layers.map((kind): [TimeKind, Span[]] => {
    const { inside, outside } = split(rest, merged(record[kind]));
    rest = outside;
    return [kind, inside];
  });
  return [...parts, ['up', rest]];
}

/**
 * Time of all nodes together in each of the periods that `bounds` (ascending moments) part the time into: one tally
 * fewer than bounds. A pure function of intervals; what lies outside of a node's life counts nowhere.
 */
export function tallies(records: readonly NodeRecord[], bounds: readonly number[]): Tally[] {
  const periods = bounds.slice(1).map(emptyTally);
  for (const record of records) {
    for (const [kind, spans] of partitioned(record)) {
      for (const span of spans) addTo(periods, bounds, kind, span);
    }
  }
  return periods;
}

function addTo(periods: Tally[], bounds: readonly number[], kind: TimeKind, { from, until }: Span): void {
  for (let index = periodOf(bounds, from); index < periods.length; index++) {
    const [start, end] = [bounds[index] as number, bounds[index + 1] as number];
    if (start >= until) return;
    (periods[index] as Tally)[kind] += Math.max(0, Math.min(end, until) - Math.max(start, from));
  }
}

/** The period that a moment lies in, the first for what lies before; by halves. */
function periodOf(bounds: readonly number[], moment: number): number {
  let [low, high] = [0, bounds.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((bounds[middle] as number) <= moment) low = middle;
    else high = middle - 1;
  }
  return low;
}

export const sumOf = (parts: readonly Tally[]): Tally =>
  parts.reduce((sum, part) => {
    for (const kind of timeKinds) sum[kind] += part[kind];
    return sum;
  }, emptyTally());

/** Share of the time that counts: up of up and down; null where there is none. */
export const uptimeOf = ({ up, down }: Tally): number | null => (up + down === 0 ? null : up / (up + down));
