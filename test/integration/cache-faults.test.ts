import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { freePort } from '../../src/kernel/free-port.ts';
import { startDummyServer } from '../support/dummy-server.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { newSource, price, type Source, type TestCache, testCache } from '../support/test-cache.ts';
import { until } from '../support/until.ts';

/** Works as a cache must without Redis: nobody waits, nobody sees anything old. */
async function expectRightWithoutRedis(cache: TestCache, source: Source) {
  for (let value = 1; value <= 20; value++) {
    source.value = value;
    await cache.invalidate(price.tags);
    const readers = Array.from({ length: 10 }, () => cache.read(source));
    expect(new Set(await Promise.all(readers))).toEqual(new Set([value]));
  }
  expect(cache.state().status).toBe('degraded');
}

describe('a cache whose Redis was never there', () => {
  let cache: TestCache;
  afterEach(() => cache.close());

  it('works with nobody listening', async () => {
    cache = testCache({ redisUrl: `redis://127.0.0.1:${await freePort()}` });
    await expectRightWithoutRedis(cache, newSource(0));
  });

  it.each([
    ['never answers', undefined],
    ['is loading its data', '-LOADING Redis is loading the dataset in memory\r\n'],
    ['talks nonsense', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['wants a password', '-NOAUTH Authentication required.\r\n'],
  ])('works with a server that %s', async (_what, reply) => {
    const dummy = await startDummyServer(reply);
    cache = testCache({ redisUrl: `redis://127.0.0.1:${dummy.port}` });
    await dummy.asked;
    await expectRightWithoutRedis(cache, newSource(0));
    await dummy.close();
  });
});

describe('a cache whose Redis fails', () => {
  let server: RedisServer;
  let cache: TestCache;
  let source: Source;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    source = newSource(10);
    cache = testCache({ redisUrl: server.url });
    await cache.whenInTouch();
    await cache.read(source);
  });
  afterEach(() => cache.close());

  const command = async (...words: [string, ...string[]]) => {
    const redis = new Redis(server.url);
    await redis.call(...words);
    await redis.quit();
  };

  const expectCachingAgain = async () => {
    await cache.whenInTouch();
    await cache.read(source);
    const { loads } = source;
    await cache.read(source);
    expect(source.loads).toBe(loads);
  };

  it('works while Redis is frozen, and caches again when it thaws', async () => {
    process.kill(server.pid, 'SIGSTOP');
    source.value = 11;
    let answered = 0;
    const count = () => answered++;
    const calls = [cache.invalidate(price.tags).then(count), cache.read(source).then(count)];
    await until('the write and a read are answered', () => answered === calls.length, 2000);
    expect(await cache.read(source)).toBe(11);
    await until('the silence is noticed', () => cache.state().status === 'degraded');
    await expectRightWithoutRedis(cache, source);
    process.kill(server.pid, 'SIGCONT');
    await expectCachingAgain();
    expect(await cache.read(source)).toBe(20);
  });

  it('works while Redis is killed, and caches again when it is back', async () => {
    process.kill(server.pid, 'SIGKILL');
    await until('the loss is noticed', () => cache.state().status === 'degraded');
    await expectRightWithoutRedis(cache, source);
    await server.stop();
    server = await startRedis(server.port);
    await expectCachingAgain();
    expect(await cache.read(source)).toBe(20);
  });

  it('keeps values in the process when Redis has no room for them', async () => {
    await command('CONFIG', 'SET', 'maxmemory', '1mb', 'maxmemory-policy', 'noeviction');
    await expectCachingAgain();
    source.value = 11;
    await cache.invalidate(price.tags);
    expect(await cache.read(source)).toBe(11);
    await command('CONFIG', 'SET', 'maxmemory', '0');
  });

  it('stands aside while Redis is read-only', async () => {
    await command('REPLICAOF', '127.0.0.1', '1');
    source.value = 11;
    await cache.invalidate(price.tags);
    expect(await cache.read(source)).toBe(11);
    await until('the refusal is noticed', () => cache.state().status === 'degraded');
    await expectRightWithoutRedis(cache, source);
    await command('REPLICAOF', 'NO', 'ONE');
    await expectCachingAgain();
  });

  it('does not read what it may not invalidate', async () => {
    await command('ACL', 'SETUSER', 'default', '-del');
    source.value = 11;
    await cache.invalidate(price.tags);
    expect(await cache.read(source)).toBe(11);
    await until('the refusal is noticed', () => cache.state().status === 'degraded');
    await command('ACL', 'SETUSER', 'default', '+del');
    await expectCachingAgain();
  });

  it('loads once per key after FLUSHALL', async () => {
    await command('FLUSHALL');
    await cache.invalidate(price.tags);
    source.loads = 0;
    const readers = Array.from({ length: 200 }, () => cache.read(source));
    await Promise.all(readers);
    expect(source.loads).toBe(1);
  });
});
