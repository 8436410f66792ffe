import type { Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { shown } from '../table.ts';
import { shownTables, type TableFacts } from './database-facts.ts';
import type { Tally } from './traffic.ts';

const percentile = (sorted: readonly number[], part: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0) * 10) / 10;

interface Reading {
  tables: readonly TableFacts[];
  memory: number | undefined;
}

interface Simulated {
  tally: Tally;
  expected: { least: number; most: number };
  seen: number;
  before: Reading;
  after: Reading;
}

/** What a simulation found: whether the service saw what its nodes did, and what that cost. */
export function outcomeOf({ tally, expected, seen, before, after }: Simulated): Outcome {
  const sorted = tally.latenciesMs.toSorted((a, b) => a - b);
  const latencyMs = {
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
  };
  const failed = Object.fromEntries(tally.failed);
  const ok = tally.failed.size === 0 && expected.least <= seen && seen <= expected.most;
  const { accepted, ignored, deferred, longestWaitMs } = tally;
  return {
    result: {
      ok,
      accepted,
      ignored,
      deferred,
      failed,
      latencyMs,
      longestWaitMs,
      expected,
      seen,
      memoryMb: { before: before.memory, after: after.memory },
      tables: after.tables,
    },
    lines: [
      `accepted ${accepted}, ignored ${ignored}, deferred (503) ${deferred}, failed ${JSON.stringify(failed)}`,
      `latency p50 ${latencyMs.p50} ms, p95 ${latencyMs.p95} ms, p99 ${latencyMs.p99} ms; longest wait for a connection ${longestWaitMs} ms`,
      `went offline or unknown: expected ${expected.least} to ${expected.most}, seen ${seen}`,
      `memory of the service ${shown(before.memory)} MiB before, ${shown(after.memory)} MiB after`,
      ...(after.tables.length > 0 ? ['', ...shownTables(before.tables, after.tables)] : []),
      '',
      ok ? 'The service saw what happened.' : 'The service did NOT see what happened.',
    ],
    exitCode: ok ? exitCodes.ok : exitCodes.failed,
  };
}
