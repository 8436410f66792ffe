import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Span } from './spans.ts';
import { emptyTally, type NodeRecord, sumOf, type Tally, tallies, timeKinds, uptimeOf } from './tally.ts';

const minute = 60_000;
const minutes = 200;

const span = fc
  .tuple(fc.integer({ min: -20, max: minutes + 20 }), fc.integer({ min: 0, max: 60 }))
  .map(([from, length]): Span => ({ from: from * minute, until: (from + length) * minute }));
const spans = fc.array(span, { maxLength: 5 });
const record: fc.Arbitrary<NodeRecord> = fc.record({
  life: fc
    .tuple(fc.integer({ min: -20, max: minutes }), fc.integer({ min: 0, max: minutes }))
    .map(([from, length]) => ({ from: from * minute, until: (from + length) * minute })),
  planned: spans,
  emergency: spans,
  down: spans,
  unknown: spans,
});
const bounds = fc
  .uniqueArray(fc.integer({ min: 0, max: minutes }), { minLength: 2, maxLength: 8 })
  .map((cuts) => cuts.toSorted((a, b) => a - b).map((cut) => cut * minute));

const covers = (all: readonly Span[], at: number) => all.some(({ from, until }) => from <= at && at < until);

/** Minute by minute, by plain reading. */
function byMinute(records: readonly NodeRecord[], cuts: readonly number[]): Tally[] {
  return cuts.slice(1).map((end, index) => {
    const tally = emptyTally();
    for (let at = cuts[index] as number; at < end; at += minute) {
      for (const node of records.filter(({ life }) => covers([life], at))) {
        const kind = timeKinds.find((name) => name === 'up' || covers(node[name], at)) ?? 'up';
        tally[kind] += minute;
      }
    }
    return tally;
  });
}

describe('the time of nodes', () => {
  it('is what a look at every minute finds, for any intervals and any periods', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 4 }), bounds, (records, cuts) => {
        expect(tallies(records, cuts)).toEqual(byMinute(records, cuts));
      }),
      { numRuns: 500 },
    );
  });

  it('adds up to the lives of the nodes within the periods, each moment once', () => {
    fc.assert(
      fc.property(record, bounds, (node, cuts) => {
        const total = sumOf(tallies([node], cuts));
        const [from, until] = [cuts[0] as number, cuts.at(-1) as number];
        const lived = Math.max(0, Math.min(until, node.life.until) - Math.max(from, node.life.from));
        expect(timeKinds.reduce((sum, kind) => sum + total[kind], 0)).toBe(lived);
      }),
    );
  });
});

it('uptime is the share of up in up and down, and nothing where there was neither', () => {
  const tally = (more: Partial<Tally>) => ({ ...emptyTally(), ...more });
  expect(uptimeOf(tally({ up: 3, down: 1, planned: 50, unknown: 9 }))).toBe(0.75);
  expect(uptimeOf(tally({ planned: 50, emergency: 2, unknown: 9 }))).toBeNull();
});
