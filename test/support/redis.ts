export interface TestRedis {
  url: string;
  /** To be put before every key and channel: the server is shared by all workers of the run. */
  prefix: string;
}

/** The run's Redis, as a worker sees it. @throws where there is none: the tests that need it fail, they do not vanish. */
export function testRedis(): TestRedis {
  const url = process.env.TEST_REDIS_URL;
  if (!url) throw new Error('No Redis for the tests: install redis-server, or name one in TEST_REDIS_URL.');
  return { url, prefix: `${process.env.TEST_RUN}:${process.env.JEST_WORKER_ID}:` };
}
