import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import * as agent from '../agent/index.ts';
import { snapshotTable } from './agent-table.ts';

/**
 * `agent run` and `agent snapshot`. Exit codes: 0 done, or stopped by SIGINT or SIGTERM; 1 wrong usage or an
 * unforeseen failure; 2 the GPU tool or its output cannot be read; 3 the service refuses the token, the key or (with `--once`) a request;
 * 4 the service cannot be reached or fails (with `--once`; without, the agent waits for it).
 */
export function agentCommand(): Command {
  return new Command('agent')
    .description("Report this node's GPUs to the inventory")
    .addCommand(runCommand())
    .addCommand(snapshotCommand());
}

interface RunFlags extends FakeFlags {
  url: string;
  token?: string;
  key?: string;
  stateDir: string;
  hostname: string;
  once?: boolean;
  json?: boolean;
}

interface FakeFlags {
  fake?: ReturnType<typeof agent.parseFakeStates>;
  fakeGpus?: number;
  fakeSeed?: string;
}

function runCommand(): Command {
  return withFakes(new Command('run'))
    .description('Enrol once, publish the inventory when it changes, send heartbeats until stopped')
    .requiredOption('--url <address>', 'base address of the service', webAddress)
    .addOption(new Option('--token <token>', 'one-time enrolment token (first start only)').conflicts('key'))
    .option('--key <key>', 'agent key of this node, instead of a token')
    .option('--state-dir <directory>', 'where key and counters are kept', '.data/agent')
    .option('--hostname <name>', 'name to enrol under', hostname())
    .option('--once', 'one inventory and one heartbeat, then stop')
    .option('--json', 'print events as JSON lines')
    .action((flags: RunFlags) => exitWith(run(flags)));
}

function snapshotCommand(): Command {
  return withFakes(new Command('snapshot'))
    .description('Show what the agent reads from a file, standard input (-), or the tools of this machine')
    .option('--from <file>', 'output of `nvidia-smi -q -x`, --query-gpu CSV, `rocm-smi --json` or amdgpu_top')
    .option('--json', 'print the snapshot as JSON')
    .action((flags: FakeFlags & { from?: string; json?: boolean }) => exitWith(snapshot(flags)));
}

const withFakes = (command: Command): Command =>
  command
    .option(
      '--fake <states>',
      'fake GPUs, one state each: healthy,hot,xid:79,lost,swapped,mig,spoofed',
      fakeStates,
    )
    .addOption(
      new Option('--fake-gpus <count>', 'that many healthy fake GPUs').argParser(fakeCount).conflicts('fake'),
    )
    .option('--fake-seed <text>', 'which fake GPUs they are');

async function run(flags: RunFlags): Promise<void> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  process.once('SIGINT', abort).once('SIGTERM', abort);
  try {
    await agent.runAgent({
      url: flags.url,
      hostname: flags.hostname,
      credential: credential(flags),
      client: agent.inventoryClient({ url: flags.url, signal: stop.signal }),
      driver: driver(flags),
      host: agent.localHost(),
      store: agent.stateFile(flags.stateDir),
      once: flags.once ?? false,
      signal: stop.signal,
      clock: Date.now,
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      random: Math.random,
      report: (event) => console.log(flags.json ? JSON.stringify(event) : sentence(event)),
    });
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort);
  }
}

async function snapshot(flags: FakeFlags & { from?: string; json?: boolean }): Promise<void> {
  const seen = flags.from
    ? agent.parseSnapshot(flags.from === '-' ? await text(process.stdin) : await readFile(flags.from, 'utf8'))
    : await driver(flags).read('');
  console.log(flags.json ? JSON.stringify(seen, null, 2) : snapshotTable(seen));
}

function driver({ fake, fakeGpus, fakeSeed }: FakeFlags): agent.Driver {
  const states = fake ?? (fakeGpus && agent.parseFakeStates(new Array(fakeGpus).fill('healthy').join()));
  if (!states) return agent.smiDriver();
  return agent.fakeDriver({ states, ...(fakeSeed !== undefined && { seed: fakeSeed }) });
}

function credential({ token, key }: RunFlags): agent.AgentOptions['credential'] {
  if (token !== undefined) return { token };
  return key === undefined ? null : { apiKey: key };
}

/** Prints what went wrong in one line and sets the exit code; nothing is thrown at the user. */
async function exitWith(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = exitCode(error);
  }
}

function exitCode(error: unknown): number {
  if (error instanceof agent.SnapshotError || error instanceof agent.DriverError) return 2;
  if (error instanceof agent.ServiceError) return error.retryable ? 4 : 3;
  return 1;
}

/** `heartbeat sequence=1 accepted=true`: names and values, one event a line. */
function sentence({ event, ...fields }: agent.AgentEvent): string {
  const values = Object.entries(fields).filter(([, value]) => value !== null);
  return [event, ...values.map(([name, value]) => `${name}=${JSON.stringify(value)}`)].join(' ');
}

function webAddress(value: string): string {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new InvalidArgumentError('Not an http(s) address.');
  return value;
}

function fakeStates(value: string) {
  try {
    return agent.parseFakeStates(value);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function fakeCount(value: string): number {
  const count = Number(value);
  if (!Number.isInteger(count) || count < 1 || count > 64)
    throw new InvalidArgumentError('A number from 1 to 64.');
  return count;
}
