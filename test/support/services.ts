import { randomBytes } from 'node:crypto';
import { createTemplate, dropDatabases, startPostgres } from './postgres-server.ts';
import { ensureRedis, startRedis } from './redis-server.ts';

/**
 * PostgreSQL and Redis for one run of the tests. `TEST_DATABASE_URL` (an owner's URL) and `TEST_REDIS_URL` name
 * servers that already run; otherwise the run starts its own and ends them, also when it is broken off. Sets for the
 * workers: `TEST_RUN`, `TEST_DATABASE_URL`, `TEST_TEMPLATE` and, where there is a Redis, `TEST_REDIS_URL`.
 */
export async function startServices(): Promise<() => Promise<void>> {
  const ends: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stop().finally(() => process.exit(1)));
  }
  try {
    await startAll(ends);
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startAll(ends: (() => Promise<void>)[]): Promise<void> {
  const run = `inv_${randomBytes(4).toString('hex')}`;
  process.env.TEST_RUN = run;
  process.env.TEST_TEMPLATE = `${run}_template`;
  if (!process.env.TEST_DATABASE_URL) {
    const { url, stop } = await startPostgres();
    ends.push(stop);
    process.env.TEST_DATABASE_URL = url;
  }
  const server = process.env.TEST_DATABASE_URL;
  ends.push(() => dropDatabases(server, run));
  await createTemplate(server, process.env.TEST_TEMPLATE);

  if (process.env.TEST_REDIS_URL) return;
  if (!ensureRedis()) {
    console.warn('No redis-server found: the tests that need one will fail.');
    return;
  }
  const redis = await startRedis();
  ends.push(redis.stop);
  process.env.TEST_REDIS_URL = redis.url;
}
