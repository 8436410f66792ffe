import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it } from '@jest/globals';
import { describeOver, outsideData } from '../../../../test/support/outside-data.ts';
import { daysBetween, localDate } from './days.ts';
import type { Span } from './spans.ts';
import { type NodeRecord, sumOf, tallies, uptimeOf } from './tally.ts';

const philly = outsideData('traces/philly');
const minute = 60_000;

describeOver(philly)('of the nodes of a cluster that Microsoft recorded by the minute', () => {
  it('the uptime of each day is what the minutes add up to, the days of change included', () => {
    const samples = readSamples(join(philly ?? '', 'philly_node_sequence.csv.gz'));
    expect(samples.length).toBeGreaterThan(100_000);
    const records = recordsOf(samples);
    const [from, until] = [samples[0]?.at ?? 0, (samples.at(-1)?.at ?? 0) + minute];
    const days = daysBetween(from, until, localDate('America/Los_Angeles') ?? String);
    const found = tallies(records, [...days.map((day) => day.from), until]);
    const counted = days.map((day) => {
      const minutes = samples.filter(({ at }) => day.from <= at && at < day.until);
      return {
        up: minutes.reduce((sum, { active }) => sum + active * minute, 0),
        unknown: day.until - day.from - minutes.length * minute,
      };
    });
    expect(found.map(({ up }) => up)).toEqual(counted.map(({ up }) => up));
    expect(found.map(({ unknown }) => unknown)).toEqual(
      counted.map(({ unknown }) => unknown * records.length),
    );
    const uptime = uptimeOf(sumOf(found)) ?? 0;
    expect([uptime > 0.5, uptime < 1]).toEqual([true, true]);
  });
});

interface Sample {
  at: number;
  active: number;
  total: number;
}

const readSamples = (path: string): Sample[] =>
  gunzipSync(readFileSync(path))
    .toString('utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [time = '', active, total] = line.split(',');
      return { at: Date.parse(`${time.replace(' ', 'T')}Z`), active: Number(active), total: Number(total) };
    })
    .sort((a, b) => a.at - b.at);

/**
 * The trace counts nodes and does not name them: node `n` is taken to be up whenever more than `n` are, and minutes
 * that the trace leaves out are unknown of all.
 */
function recordsOf(samples: readonly Sample[]): NodeRecord[] {
  const nodes = Math.max(...samples.map(({ total }) => total));
  const life = { from: samples[0]?.at ?? 0, until: (samples.at(-1)?.at ?? 0) + minute };
  const unknown = gapsOf(samples);
  const down: Span[][] = Array.from({ length: nodes }, () => []);
  for (const sample of samples) {
    // What was down already goes on where the minutes follow each other; spans need not be merged.
    for (let node = sample.active; node < nodes; node++) {
      const last = down[node]?.at(-1);
      if (last?.until === sample.at) last.until += minute;
      else down[node]?.push({ from: sample.at, until: sample.at + minute });
    }
  }
  return down.map((spans) => ({ life, planned: [], emergency: [], down: spans, unknown }));
}

const gapsOf = (samples: readonly Sample[]): Span[] =>
  samples.flatMap(({ at }, index) => {
    const next = samples[index + 1]?.at ?? at + minute;
    return next > at + minute ? [{ from: at + minute, until: next }] : [];
  });
