import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The newest pgbench of Debian's packages; null where there is none. */
export async function findPgbench(): Promise<string | null> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => []);
  const [newest] = versions.sort().reverse();
  return newest ? join('/usr/lib/postgresql', newest, 'bin', 'pgbench') : null;
}

export interface Script {
  sql: string;
  clients: number;
  seconds: number;
}

/** Transactions a second of one script, prepared. */
export async function transactionsPerSecond(
  pgbench: string,
  url: string,
  { sql, clients, seconds }: Script,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'inv-floor-'));
  const file = join(folder, 'script.sql');
  await writeFile(file, sql);
  const args = [
    '-n',
    '-M',
    'prepared',
    '-c',
    String(clients),
    '-j',
    '1',
    '-T',
    String(seconds),
    '-f',
    file,
    url,
  ];
  const { stdout } = await promisify(execFile)(pgbench, args);
  await rm(folder, { recursive: true });
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
}
