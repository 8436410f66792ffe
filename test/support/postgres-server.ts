import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Cluster,
  clusterOf,
  initialiseCluster,
  type ServerSettings,
  startCluster,
  stopCluster,
} from '../../src/kernel/db/postgres-cluster.ts';
import { ensureServiceRole } from '../../src/kernel/db/service-role.ts';
import { freePort } from '../../src/kernel/free-port.ts';
import { migrateUp } from '../../src/kernel/migrations.ts';
import { databaseUrl, servicePassword, withClient } from './database.ts';

/** Speed before safety: the data live as long as the run. */
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: 200,
  client_connection_check_interval: '1s',
};

export interface TestPostgres {
  /** The superuser's. */
  url: string;
  port: number;
  cluster: Cluster;
  /** Starts it again after `halt` or a crash, on the same port. */
  start(): Promise<void>;
  /** Stops it in an orderly way; its data stay. */
  halt(): Promise<void>;
  /** Stops it for good. */
  stop(): Promise<void>;
}

/** Starts a PostgreSQL in a temporary folder; `more` settings stand above those of the tests. */
export async function startPostgres(more: ServerSettings = {}): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'inv-pg-'));
  chmodSync(folder, 0o755);
  const cluster = clusterOf(folder);
  const port = await freePort();
  const start = () => startCluster(cluster, { ...settings, ...more, port });
  await initialiseCluster(cluster, 'postgres', ['--no-sync']);
  await start();
  return {
    url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
    port,
    cluster,
    start,
    halt: () => stopCluster(cluster),
    stop: async () => {
      await stopCluster(cluster);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Makes the migrated database that every test file clones, and the role that the service runs as. Nobody can
 * connect to the template afterwards: an open connection would make cloning fail.
 */
export async function createTemplate(serverUrl: string, name: string): Promise<void> {
  await withClient(serverUrl, async (admin) => {
    await admin.query(`CREATE DATABASE ${name} TEMPLATE template0`);
    await ensureServiceRole(admin, servicePassword);
  });
  await migrateUp(databaseUrl(serverUrl, name));
  await withClient(serverUrl, (admin) => admin.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`));
}

/** Drops the databases whose names begin so. */
export async function dropDatabases(serverUrl: string, prefix: string): Promise<void> {
  await withClient(serverUrl, async (admin) => {
    const { rows } = await admin.query('SELECT datname FROM pg_database WHERE starts_with(datname, $1)', [
      prefix,
    ]);
    for (const { datname } of rows) await admin.query(`DROP DATABASE ${datname} WITH (FORCE)`);
  });
}
