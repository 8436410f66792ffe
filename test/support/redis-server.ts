import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../src/kernel/free-port.ts';

export interface RedisServer {
  url: string;
  port: number;
  pid: number;
  /** Ends the server; its data are gone. */
  stop(): Promise<void>;
}

const onPath = () => spawnSync('redis-server', ['--version']).status === 0;

function install() {
  const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  const apt = (...args: string[]) => spawnSync('apt-get', args, options).status === 0;
  const packages = ['install', '-y', '--no-install-recommends', 'redis-server'];
  return apt(...packages) || (apt('update') && apt(...packages));
}

/** Whether the tests have a Redis; a missing one is installed on a build server, and as root on Debian. */
export function ensureRedis(): boolean {
  if (onPath()) return true;
  const mayInstall = process.env.CI === 'true' || process.getuid?.() === 0;
  return mayInstall && install() && onPath();
}

/** Starts a Redis of its own on a free port, without persistence; tests may kill it by `pid`. */
export async function startRedis(port?: number): Promise<RedisServer> {
  const chosen = port ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'inv-redis-'));
  const flags = { port: String(chosen), bind: '127.0.0.1', save: '', appendonly: 'no', dir: folder };
  const child = spawn(
    'redis-server',
    Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) {
    if (line.includes('Ready to accept connections')) break;
  }
  child.stdout.resume();
  if (child.pid === undefined || child.exitCode !== null) throw new Error('redis-server did not start');
  return {
    url: `redis://127.0.0.1:${chosen}`,
    port: chosen,
    pid: child.pid,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
