import type { Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { shown } from '../table.ts';
import { percentile, type Reading, shownSteps, stepsOf } from './course.ts';
import { isTidy, type TableFacts } from './database-facts.ts';
import type { Tally } from './traffic.ts';

interface Simulated {
  tally: Tally;
  /** Times that a node should have been seen to go offline. */
  expected: { least: number; most: number };
  seen: number;
  /** From before the first heartbeat to after the last one. */
  readings: readonly Reading[];
}

/** Updates of all tables in the whole time that stayed on their page, in percent; null where there were none. */
function hotShareOf(before: readonly TableFacts[], after: readonly TableFacts[]): number | null {
  const sum = (tables: readonly TableFacts[], read: (facts: TableFacts) => number) =>
    tables.reduce((total, facts) => total + read(facts), 0);
  const made = (read: (facts: TableFacts) => number) => sum(after, read) - sum(before, read);
  const updates = made((facts) => facts.updates);
  return updates > 0 ? Math.round((10_000 * made((facts) => facts.hotUpdates)) / updates) / 100 : null;
}

/** What a simulation found, and whether the service kept what it promises: exit code 1 where it did not. */
export function outcomeOf({ tally, expected, seen, readings }: Simulated): Outcome {
  const { accepted, ignored, deferred, longestWaitMs, latenciesMs } = tally;
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((part) => percentile(latenciesMs, part));
  const failed = Object.fromEntries(tally.failed);
  const course = stepsOf(readings, latenciesMs);
  const [before, after] = [readings[0], readings.at(-1)];
  const memoryMb = { before: before?.memoryMb, after: after?.memoryMb };
  const hotShare = hotShareOf(before?.tables ?? [], after?.tables ?? []);
  const sawAll = expected.least <= seen && seen <= expected.most;
  const tidy = readings.every(({ tables }) => tables.every(isTidy));
  const ok = tally.failed.size === 0 && sawAll && tidy;
  return {
    result: {
      ok,
      accepted,
      ignored,
      deferred,
      failed,
      latencyMs: { p50, p95, p99 },
      longestWaitMs,
      expected,
      seen,
      memoryMb,
      hotShare,
      tidy,
      course,
    },
    lines: [
      `accepted ${accepted}, ignored ${ignored}, deferred (503) ${deferred}, failed ${JSON.stringify(failed)}`,
      `latency p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms; longest wait for a connection ${longestWaitMs} ms`,
      `went offline or unknown: expected ${expected.least} to ${expected.most}, seen ${seen}`,
      `memory of the service ${shown(memoryMb.before)} MiB before, ${shown(memoryMb.after)} MiB after`,
      `updates of the latest states that were HOT: ${shown(hotShare)} %`,
      '',
      ...shownSteps(course),
      '',
      verdict(tally.failed.size === 0, sawAll, tidy),
    ],
    exitCode: ok ? exitCodes.ok : exitCodes.failed,
  };
}

function verdict(answered: boolean, sawAll: boolean, tidy: boolean): string {
  if (!answered) return 'Heartbeats were answered with errors.';
  if (!sawAll) return 'The service did NOT see what happened.';
  return tidy
    ? 'The service saw what happened.'
    : 'A table of latest states held more dead rows than it may.';
}
