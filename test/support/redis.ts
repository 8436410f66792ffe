import { describe } from '@jest/globals';

export interface TestRedis {
  url: string;
  /** To be put before every key and channel: the server is shared by all workers of the run. */
  prefix: string;
}

/** The run's Redis, as a worker sees it; throws where there is none. */
function testRedis(): TestRedis {
  const url = process.env.TEST_REDIS_URL;
  if (!url) throw new Error('No Redis for the tests: see TEST_REDIS_URL.');
  return { url, prefix: `${process.env.TEST_RUN}:${process.env.JEST_WORKER_ID}:` };
}

/** A `describe` that is left out where the run has no Redis; the run has said so at its start. */
export function describeRedis(name: string, body: (redis: TestRedis) => void): void {
  if (process.env.TEST_REDIS_URL) describe(name, () => body(testRedis()));
  else describe.skip(name, () => body({ url: 'redis://127.0.0.1:1', prefix: '' }));
}
