import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import * as agent from '../agent/index.ts';
import { agentStatusCommand, stateDir } from './agent-status.ts';
import { snapshotTable } from './agent-table.ts';
import { webAddress } from './arguments.ts';
import { does, type Flags, type Outcome } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import type { Shell } from './shell.ts';

/**
 * `agent run`, `agent snapshot` and `agent status`. Exit codes: 0 done, or stopped by SIGINT or SIGTERM; 2 the GPU tool or its output
 * cannot be read; 3 the service refuses the token, the key or (with `--once`) a request; 4 the service cannot be reached
 * or fails (with `--once`; without, the agent waits for it).
 */
export function agentCommands(program: Command, shell: Shell): void {
  const group = program.command('agent').description("Report this node's GPUs to the inventory");
  does(runCommand(group), shell, (flags: RunFlags) => run(flags, shell));
  does(snapshotCommand(group), shell, snapshot);
  agentStatusCommand(group, shell);
}

interface RunFlags extends FakeFlags, Flags {
  url: string;
  token?: string;
  key?: string;
  stateDir: string;
  hostname: string;
  drainCommand?: string;
  challengeCommand?: string;
  hookTimeout: number;
  usageEvery: number;
  once?: boolean;
}

interface FakeFlags {
  fake?: ReturnType<typeof agent.parseFakeStates>;
  fakeGpus?: number;
  fakeSeed?: string;
}

const runCommand = (group: Command): Command =>
  withFakes(group.command('run'))
    .description('Enrol once, publish the inventory when it changes, send heartbeats until stopped')
    .requiredOption('--url <address>', 'base address of the service', webAddress)
    .addOption(new Option('--token <token>', 'one-time enrolment token (first start only)').conflicts('key'))
    .option('--key <key>', 'agent key of this node, instead of a token')
    .option('--state-dir <directory>', 'where key and counters are kept', stateDir)
    .option('--hostname <name>', 'name to enrol under', hostname())
    .option('--drain-command <command>', 'run by the shell when the node is to drain, and no longer is')
    .option('--challenge-command <command>', 'prints the evidence that a challenge asks for')
    .option('--hook-timeout <seconds>', 'how long such a command may take', hookTimeout, 600)
    .option('--usage-every <seconds>', 'between two reports of usage metrics; 0: none', usageEvery, 60)
    .option('--once', 'one inventory and one heartbeat, then stop');

const snapshotCommand = (group: Command): Command =>
  withFakes(group.command('snapshot'))
    .description('Show what the agent reads from a file, standard input (-), or the tools of this machine')
    .option(
      '--from <file>',
      'output of `nvidia-smi -q -x`, --query-gpu CSV, `rocm-smi --json` or amdgpu_top',
    );

const withFakes = (command: Command): Command =>
  command
    .option(
      '--fake <states>',
      'fake GPUs, one state each: healthy,busy,hot,xid:79,lost,swapped,mig,spoofed',
      fakeStates,
    )
    .addOption(
      new Option('--fake-gpus <count>', 'that many healthy fake GPUs').argParser(fakeCount).conflicts('fake'),
    )
    .option('--fake-seed <text>', 'which fake GPUs they are');

/** Tells its events as they happen, one a line. */
async function run(flags: RunFlags, shell: Shell): Promise<Outcome> {
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
      drainHook: hook(flags.drainCommand, flags),
      challengeHook: hook(flags.challengeCommand, flags),
      usageEveryMs: flags.usageEvery * 1000,
      once: flags.once ?? false,
      signal: stop.signal,
      clock: Date.now,
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      random: Math.random,
      report: (event) => shell.out(flags.json ? JSON.stringify(event) : sentence(event)),
    });
    return { result: { event: 'stopped' }, lines: [] };
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort);
  }
}

async function snapshot(flags: FakeFlags & Flags & { from?: string }): Promise<Outcome> {
  const seen =
    flags.from === undefined ? await driver(flags).read('') : agent.parseSnapshot(await read(flags.from));
  return { result: seen, lines: [snapshotTable(seen)] };
}

async function read(file: string): Promise<string> {
  if (file === '-') return text(process.stdin);
  return readFile(file, 'utf8').catch((cause: Error) => {
    throw new Failure(`${file} cannot be read: ${cause.message}`, exitCodes.unreadable, cause);
  });
}

function driver({ fake, fakeGpus, fakeSeed }: FakeFlags): agent.Driver {
  const states = fake ?? (fakeGpus && agent.parseFakeStates(new Array(fakeGpus).fill('healthy').join()));
  if (!states) return agent.smiDriver();
  return agent.fakeDriver({ states, ...(fakeSeed !== undefined && { seed: fakeSeed }) });
}

const hook = (command: string | undefined, { hookTimeout }: RunFlags): agent.Hook | null =>
  command === undefined ? null : { command, timeoutMs: hookTimeout * 1000 };

function seconds(value: string, least: number): number {
  const given = Number(value);
  if (!Number.isInteger(given) || given < least || given > 86_400)
    throw new InvalidArgumentError(`A number of seconds from ${least} to 86400.`);
  return given;
}

const hookTimeout = (value: string): number => seconds(value, 1);
const usageEvery = (value: string): number => seconds(value, 0);

function credential({ token, key }: RunFlags): agent.AgentOptions['credential'] {
  if (token !== undefined) return { token };
  return key === undefined ? null : { apiKey: key };
}

/** `heartbeat sequence=1 accepted=true`: names and values, one event a line. */
function sentence({ event, ...fields }: agent.AgentEvent): string {
  const values = Object.entries(fields).filter(([, value]) => value !== null);
  return [event, ...values.map(([name, value]) => `${name}=${JSON.stringify(value)}`)].join(' ');
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
