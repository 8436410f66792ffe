import type { Command } from 'commander';
import { webAddress } from './arguments.ts';
import { does, type Flags, type Outcome } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { Failure } from './failure.ts';
import type { Shell } from './shell.ts';
import { shown, table } from './table.ts';

interface Health {
  status: 'ok' | 'degraded' | 'unavailable';
  checks: Record<string, { status: string; latencyMs?: number; detail?: string }>;
}

/** `health [--url]`. Exit codes: 0 ok or degraded (slower, yet right), 1 unavailable, 4 no answer. */
export function healthCommand(program: Command, shell: Shell): void {
  does(
    program
      .command('health')
      .description('Ask a running service how it and everything it depends on is')
      .option('--url <address>', 'base address; by default that of the settings HOST and PORT', webAddress),
    shell,
    ({ url }: Flags & { url?: string }) => ask(url ?? addressOf(shell)),
  );
}

/** Where the service of these settings listens, as seen from this machine. */
export function addressOf(shell: Shell): string {
  const { host, port } = shell.config();
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? host;
  return `http://${reachable}:${port}`;
}

async function ask(url: string): Promise<Outcome> {
  const health = await read(`${url}/health`).catch((cause: Error) => {
    throw new Failure(`${url} gives no health: ${reasonOf(cause)}`, exitCodes.unreachable, cause);
  });
  const rows = Object.entries(health.checks).map(([name, { status, latencyMs, detail }]) => [
    name,
    status,
    shown(latencyMs),
    shown(detail),
  ]);
  return {
    result: health,
    lines: [`${url} is ${health.status}`, '', ...table(['CHECK', 'STATUS', 'MS', 'DETAIL'], rows)],
    exitCode: health.status === 'unavailable' ? exitCodes.failed : exitCodes.ok,
  };
}

async function read(address: string): Promise<Health> {
  const answer = await fetch(address, { signal: AbortSignal.timeout(5000) });
  const body = (await answer.json()) as Partial<Health>;
  if (!answer.ok || !body.status || !body.checks) throw new Error(`it answered ${answer.status}`);
  return body as Health;
}

/** `fetch failed` alone helps nobody. */
function reasonOf({ message, cause }: Error): string {
  const { message: deeper, code } = (cause ?? {}) as NodeJS.ErrnoException;
  return deeper || code || message;
}
