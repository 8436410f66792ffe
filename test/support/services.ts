import { randomBytes } from 'node:crypto';
import { createTemplate, startPostgres } from './postgres-server.ts';
import { findRedis, startRedis } from './redis-server.ts';

/**
 * PostgreSQL and Redis for one run of the tests. `TEST_DATABASE_URL` (an owner's URL) and `TEST_REDIS_URL` name
 * servers that already run; otherwise the run starts its own and ends them. Sets for the workers: `TEST_RUN`,
 * `TEST_DATABASE_URL`, `TEST_TEMPLATE` and, where there is a Redis, `TEST_REDIS_URL`.
 */
export async function startServices(): Promise<() => Promise<void>> {
  const run = randomBytes(4).toString('hex');
  const postgres = process.env.TEST_DATABASE_URL
    ? { url: process.env.TEST_DATABASE_URL, stop: async () => {} }
    : await startPostgres();
  const template = await createTemplate(postgres.url, `inv_template_${run}`);
  const redis = process.env.TEST_REDIS_URL || !findRedis() ? null : await startRedis();

  process.env.TEST_RUN = run;
  process.env.TEST_DATABASE_URL = postgres.url;
  process.env.TEST_TEMPLATE = `inv_template_${run}`;
  if (redis) process.env.TEST_REDIS_URL = redis.url;
  return async () => {
    await template.drop();
    await Promise.all([postgres.stop(), redis?.stop()]);
  };
}
