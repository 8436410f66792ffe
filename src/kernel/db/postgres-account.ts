import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Home of the server where root starts it from a place that only root can enter, such as `/root`. */
const sharedHome = '/var/lib/depin-inventory';

/** The system account that the server runs as when we are root: PostgreSQL refuses to be root. */
export interface Account {
  uid: number;
  gid: number;
}

function findAccount(name: string): Account | null {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : null;
}

/** Null unless this process is root; then the account `postgres`, made where it is missing. */
export function serverAccount(): Account | null {
  if (process.getuid?.() !== 0) return null;
  const existing = findAccount('postgres');
  if (existing) return existing;
  const refusal = 'PostgreSQL does not run as root, and the account "postgres" could not be made';
  try {
    execFileSync('useradd', ['--system', '--user-group', '--shell', '/usr/sbin/nologin', 'postgres']);
  } catch (cause) {
    throw new Error(`${refusal}: start the service as another user.`, { cause });
  }
  const made = findAccount('postgres');
  if (!made) throw new Error(`${refusal}: start the service as another user.`);
  return made;
}

/** Whether the account may enter the folder `path`: it and every folder above it must let it pass. */
function canEnter(path: string, account: Account): boolean {
  const { uid, gid, mode } = statSync(path);
  const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
  return (mode & bit) !== 0 && (path === dirname(path) || canEnter(dirname(path), account));
}

/** `folder` with the server's programs, or a copy of it that the account can enter. */
export function enterablePrograms(folder: string, account: Account | null, version: string): string {
  if (!account || canEnter(folder, account)) return folder;
  const copy = join(sharedHome, `postgresql-${version}`);
  if (existsSync(copy)) return copy;
  const staged = `${copy}.${randomUUID()}`;
  mkdirSync(sharedHome, { recursive: true, mode: 0o755 });
  cpSync(folder, staged, { recursive: true, verbatimSymlinks: true });
  renameSync(staged, copy);
  return copy;
}

/**
 * Where the cluster of `dataDir` lies: `dataDir/postgres`, or, where the account cannot enter that, a folder in the
 * shared home that `dataDir/postgres` links to. The folder itself may not exist yet.
 */
export function clusterFolder(dataDir: string, account: Account | null): string {
  const folder = join(dataDir, 'postgres');
  const entry = lstatSync(folder, { throwIfNoEntry: false });
  if (entry?.isSymbolicLink()) return readlinkSync(folder);
  if (!account || canEnter(dataDir, account)) return folder;
  if (entry) throw new Error(`${folder} cannot be entered by the account that PostgreSQL runs as.`);
  const target = join(sharedHome, `cluster-${randomUUID()}`);
  mkdirSync(sharedHome, { recursive: true, mode: 0o755 });
  symlinkSync(target, folder);
  return target;
}
