import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { Api } from './api.ts';
import { positiveInteger, positiveNumber, share, webAddress } from './arguments.ts';
import { does, type Flags, type Outcome } from './command.ts';
import { addressOf } from './health.ts';
import { operatorKey } from './operator-key.ts';
import { withOwner } from './owner.ts';
import type { Shell } from './shell.ts';
import type { Reading } from './simulation/course.ts';
import { readTables, type TableFacts } from './simulation/database-facts.ts';
import { registerFleet } from './simulation/fleet.ts';
import { outcomeOf } from './simulation/outcome.ts';
import { Silences } from './simulation/silences.ts';
import { outage, readTimeline, type Timeline } from './simulation/timeline.ts';
import { type Tally, Traffic } from './simulation/traffic.ts';
import { Watch } from './simulation/watch.ts';

interface SimulateFlags extends Flags {
  url?: string;
  key?: string;
  nodes: number;
  gpusPerNode: number;
  interval?: number;
  minutes: number;
  kill: number;
  trace?: string;
  traceMinutes: number;
  concurrency: number;
}

const turnEveryMs = 20;
/** The service looks for silence once a second by default. */
const sweepMs = 1000;

/** Sixty looks, but not so many that they are a load of their own. */
const lookEveryMs = (lengthMs: number): number => Math.min(Math.max(lengthMs / 60, 200), 2000);

/**
 * `simulate`: a fleet of its own over HTTP against a running service. Nodes report when the service asks for it, some
 * fall silent and come back, and what the service made of it is compared with what the nodes know themselves. Exit code
 * 1 where the two differ or a heartbeat was answered with an error.
 */
export function simulateCommand(program: Command, shell: Shell): void {
  does(
    program
      .command('simulate')
      .description(
        'Drive a fleet of simulated nodes over HTTP: heartbeats, outages, and what the service saw of them',
      )
      .option('--url <address>', 'base address; by default that of the settings HOST and PORT', webAddress)
      .option('--key <key>', 'operator key; by default OPERATOR_API_KEY or DATA_DIR/operator.key')
      .option('--nodes <n>', 'nodes of the fleet', positiveInteger, 1000)
      .option('--gpus-per-node <n>', 'GPUs of each', positiveInteger, 4)
      .option(
        '--interval <s>',
        'seconds between two heartbeats of a node; by default what the service asks for',
        positiveNumber,
      )
      .option('--minutes <n>', 'how long, in minutes', positiveNumber, 3)
      .option('--kill <share>', 'share of the nodes that are silent for the middle third, 0 to 1', share, 0.1)
      .option(
        '--trace <file>',
        'instead follow this trace by the minute (Philly nodes, Helios GPUs; .csv or .csv.gz)',
      )
      .option(
        '--trace-minutes <n>',
        'minutes of the trace, squeezed into the simulation',
        positiveInteger,
        1440,
      )
      .option('--concurrency <n>', 'requests under way at once, at most', positiveInteger, 256),
    shell,
    async (flags: SimulateFlags) => {
      const timeline = flags.trace ? await readTimeline(flags.trace, flags.traceMinutes) : outage(flags.kill);
      const operator = new Api(flags.url ?? addressOf(shell), flags.key ?? (await operatorKey(shell)));
      if (flags.url !== undefined) return simulate(shell, operator, flags, timeline, async () => []);
      return withOwner(shell, (ownerUrl) =>
        simulate(shell, operator, flags, timeline, () => readTables(ownerUrl)),
      );
    },
  );
}

async function simulate(
  shell: Shell,
  operator: Api,
  flags: SimulateFlags,
  timeline: Timeline,
  tables: () => Promise<TableFacts[]>,
): Promise<Outcome> {
  const fleet = await registerFleet(operator, flags, (line) => shell.note(line));
  const lengthMs = flags.minutes * 60_000;
  const intervalMs = flags.interval === undefined ? null : flags.interval * 1000;
  const silences = new Silences({
    graceMs: graceMsOf(shell),
    toleranceMs: sweepMs + 2 * lookEveryMs(lengthMs),
  });
  const traffic = new Traffic({
    fleet,
    silences,
    concurrency: flags.concurrency,
    intervalMs,
    startWithinMs: Math.min(intervalMs ?? 10_000, lengthMs / 10),
    now: Date.now,
  });
  const watch = new Watch(operator, fleet);
  const readings: Reading[] = [];
  const read = async (elapsedMs: number) => {
    const answered = traffic.tally.latenciesMs.length;
    readings.push({
      atS: elapsedMs / 1000,
      answered,
      memoryMb: await memoryOf(operator),
      tables: await tables(),
    });
  };
  await drive({ traffic, watch, timeline, lengthMs, read, note: (line) => shell.note(line) });
  const expected = silences.expected(Date.now());
  return outcomeOf({ tally: traffic.tally, expected, seen: watch.seen, readings });
}

/** Resident memory of the service that answers, in MiB. */
const memoryOf = async (operator: Api): Promise<number | undefined> =>
  (await operator.get<{ checks: { process?: { residentMb?: number } } }>('/health')).checks.process
    ?.residentMb;

/** The setting of the service, which the simulation must be given as well where it differs from the default. */
const graceMsOf = (shell: Shell): number => Number(shell.config().modules.liveness?.graceS) * 1000;

interface Drive {
  traffic: Traffic;
  watch: Watch;
  timeline: Timeline;
  lengthMs: number;
  /** Notes down what stands so many milliseconds after the begin. */
  read: (elapsedMs: number) => Promise<void>;
  note: (line: string) => void;
}

/** As many readings tell the course of a simulation. */
const readingsAtMost = 10;

async function drive({ traffic, watch, timeline, lengthMs, read, note }: Drive): Promise<void> {
  await read(0);
  const begun = Date.now();
  const elapsed = () => Date.now() - begun;
  const sending = (async () => {
    for (; elapsed() < lengthMs; await delay(turnEveryMs)) {
      traffic.moment = timeline(elapsed() / lengthMs);
      traffic.turn();
    }
    await traffic.settled();
  })();
  let nextReadingMs = lengthMs / readingsAtMost;
  for (let looks = 0; elapsed() < lengthMs; looks++) {
    await watch.look();
    const { alive } = timeline(elapsed() / lengthMs);
    if (looks % 15 === 0) note(progress(elapsed(), traffic.tally, alive, watch));
    if (elapsed() >= nextReadingMs) {
      await read(elapsed());
      nextReadingMs += lengthMs / readingsAtMost;
    }
    await delay(lookEveryMs(lengthMs));
  }
  await sending;
  await watch.look();
  await read(elapsed());
}

const progress = (elapsedMs: number, { accepted }: Tally, alive: number, { down }: Watch): string =>
  `${Math.round(elapsedMs / 1000)} s: ${accepted} heartbeats accepted, ${Math.round(alive * 100)} % of the nodes alive, ${down} down`;
