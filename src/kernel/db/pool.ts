import pg from 'pg';
import type { Logger } from 'pino';

export interface PoolOptions {
  url: string;
  /** Connections of this process; a stated budget, see `docs/operations.md`. */
  max: number;
  /** Shown as `application_name`. */
  name: string;
  log: Logger;
  /** Whether statements are prepared; then their plans are made once for all parameters. */
  prepare?: boolean;
}

/**
 * What keeps coming is planned once a connection. Left to itself PostgreSQL plans a search anew each time, for 1 ms, since
 * it believes that a list in a parameter has ten entries and so never finds the plan for all parameters cheap enough.
 */
const planOnce = 'SET plan_cache_mode = force_generic_plan';

/**
 * A pool that survives its server: dead clients are dropped with their error, never raised. Time-outs form a ladder:
 * client 5 s > answer 4 s > `query_timeout` 3 s > `statement_timeout` 2.5 s > `lock_timeout` 1.1 s.
 */
export function createPool({ url, max, name, log, prepare = false }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    application_name: name,
    connectionTimeoutMillis: 2500,
    query_timeout: 3000,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: 900,
    keepAlive: true,
    ...(prepare && { onConnect: async (client) => void (await client.query(planOnce)) }),
  });
  const drop = (error: Error) => log.warn({ err: error }, 'database connection lost');
  pool.on('error', drop);
  // A client in use emits on itself, not on the pool; without a listener that would end the process.
  pool.on('connect', (client) => client.on('error', drop));
  return pool;
}
