import { type ChildProcess, spawn } from 'node:child_process';

/** A command line of the operator's, run by the shell when the service asks something of the node. */
export interface Hook {
  command: string;
  /** After this it is ended, with all that it has started. */
  timeoutMs: number;
}

export interface HookCall {
  /** Added to the agent's own environment. */
  env: Readonly<Record<string, string>>;
  /** What it finds on standard input. */
  input?: string;
  signal: AbortSignal;
}

export interface HookOutput {
  stdout: string;
  stderr: string;
}

/** The command failed, took too long, or said too much; `output` is the end of what it said. */
export class HookError extends Error {
  override readonly name = 'HookError';
  readonly output: string;

  constructor(message: string, output = '') {
    super(message);
    this.output = output;
  }
}

const LONGEST_OUTPUT = 1_048_576;
/** How long it may take to end when it is told to, and what it has left behind to close its output. */
const KILL_AFTER_MS = 5_000;
const CLOSE_AFTER_MS = 1_000;

/**
 * Runs a hook and answers what it said.
 *
 * @throws {HookError} when it ends with anything but 0, or is ended: after its time, with too long an output, or because
 *   the agent ends.
 */
export async function runHook({ command, timeoutMs }: Hook, call: HookCall): Promise<HookOutput> {
  // `env` adds to the environment that the agent was given, which is none of its business otherwise.
  const names = Object.entries(call.env).map(([name, value]) => `${name}=${value}`);
  const child = spawn('env', [...names, 'sh', '-c', command], { detached: true });
  const said = { stdout: '', stderr: '' };
  let reason: string | null = null;
  const end = (why: string) => {
    reason ??= why;
    stop(child);
  };
  const timer = setTimeout(() => end(`took longer than ${timeoutMs / 1000} s`), timeoutMs);
  const abort = () => end('was ended with the agent');
  call.signal.addEventListener('abort', abort, { once: true });
  if (call.signal.aborted) abort();
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
      if (said[name].length > LONGEST_OUTPUT) end(`said more than ${LONGEST_OUTPUT} characters`);
    });
  // A command that does not read its input is none the worse for it.
  child.stdin.on('error', () => {});
  child.stdin.end(call.input ?? '');
  try {
    const outcome = await ended(child);
    const failure = reason ?? outcome;
    if (failure !== null) throw new HookError(failure, tail(said));
    return said;
  } finally {
    clearTimeout(timer);
    call.signal.removeEventListener('abort', abort);
  }
}

/** Null when it ended well; what it has left in the background does not hold us up. */
const ended = (child: ChildProcess): Promise<string | null> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      const outcome = code === 0 ? null : signal ? `was ended by ${signal}` : `ended with ${code}`;
      const timer = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, CLOSE_AFTER_MS);
      child.once('close', () => {
        clearTimeout(timer);
        resolve(outcome);
      });
    });
  });

/** Ends the whole process group: asked at first, then not. */
function stop(child: ChildProcess): void {
  const kill = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // It has ended by itself.
    }
  };
  kill('SIGTERM');
  const timer = setTimeout(() => kill('SIGKILL'), KILL_AFTER_MS);
  child.once('close', () => clearTimeout(timer));
}

/** The last lines of what it said, for a log. */
export const tail = ({ stdout, stderr }: HookOutput): string => `${stdout}${stderr}`.trim().slice(-2000);
