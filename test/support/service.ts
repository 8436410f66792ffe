import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { DestinationStream } from 'pino';
import supertest from 'supertest';
import { type Application, createApplication } from '../../src/app.ts';
import { loadConfig } from '../../src/config/index.ts';
import { Database } from '../../src/kernel/db/database.ts';
import { createPool } from '../../src/kernel/db/pool.ts';
import { createLogger } from '../../src/logger.ts';
import { modules } from '../../src/modules.ts';
import { createDatabase, type TestDatabase } from './database.ts';

export const operatorKey = 'operator-key-of-the-tests-0123456789';

export interface TestService {
  application: Application;
  database: TestDatabase;
  /** Base URL of the listening server. */
  url: string;
  /** A second connection, as the owner: what the tests look at the database with. */
  sql: pg.Pool;
  /** A client that sends `key`; the operator's by default, none for null. */
  as(key?: string | null): Client;
  stop(): Promise<void>;
}

/** Whatever answers requests with a key: a service of the test's own process, or of another. */
export type Requests = Pick<TestService, 'as'>;

export type Client = ReturnType<typeof clientOf>;

/** A client of the server at `url` that sends `key`; the operator's by default, none for null. */
export const clientOf = (url: string, key: string | null = operatorKey) => {
  const agent = supertest.agent(url);
  return key === null ? agent : agent.set('authorization', `Bearer ${key}`);
};

/** The real service on a database of its own, not started yet. */
export async function assembleService(
  database: TestDatabase,
  env: Record<string, string> = {},
  log?: DestinationStream,
) {
  const dataDir = await mkdtemp(join(tmpdir(), 'inv-data-'));
  const config = loadConfig(modules, {
    PORT: '0',
    LOG_LEVEL: 'silent',
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    OPERATOR_API_KEY: operatorKey,
    RATE_LIMIT_ENABLED: 'false',
    ...env,
  });
  const application = await createApplication(config, createLogger(config.logLevel, log));
  const close = async () => {
    await application.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { application, close };
}

/**
 * The real service on a database of its own, listening on a free port. `env` adds settings; `database` shares one;
 * `log` takes the lines of its log.
 */
export async function startService(
  env: Record<string, string> = {},
  database?: TestDatabase,
  log?: DestinationStream,
): Promise<TestService> {
  const own = database ?? (await createDatabase());
  const { application, close } = await assembleService(own, env, log);
  await application.startup.run();
  const url = await application.app.listen({ host: '127.0.0.1', port: 0 });
  const sql = new pg.Pool({ connectionString: own.ownerUrl, max: 4 });
  // Dropping the database may overtake the goodbye of a connection that is being closed.
  sql.on('error', () => {});
  return {
    application,
    database: own,
    url,
    sql,
    as: (key) => clientOf(url, key),
    async stop() {
      await close();
      await sql.end();
      if (!database) await own.drop();
    },
  };
}

/** The database as another replica sees it: connected as the service is, its commits not told to the service's cache. */
export function replicaOf({ database }: Pick<TestService, 'database'>): Database {
  const log = createLogger('silent');
  return new Database({ pool: createPool({ url: database.url, max: 2, name: 'replica', log }), log });
}
