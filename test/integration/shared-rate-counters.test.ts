import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { RateCounter } from '../../src/kernel/rates/rate-counter.ts';
import { redisCounters } from '../../src/kernel/rates/rate-sharing.ts';
import { testRedis } from '../support/redis.ts';

describe('counters in Redis', () => {
  const { url, prefix } = testRedis();
  let redis: Redis;
  const clock = { now: () => 120_000 };
  const name = `${prefix}rate:${Math.random()}:`;

  beforeAll(() => {
    redis = new Redis(url);
  });
  afterAll(() => redis.quit());

  it('add up what two processes count, and expire', async () => {
    const shared = redisCounters(redis, name);
    const [one, two] = [new RateCounter(clock), new RateCounter(clock)];
    one.hit('a');
    one.hit('b');
    two.hit('a');
    await one.share(shared);
    await two.share(shared);
    expect(two.hit('a').count).toBe(3);
    expect(await redis.get(`${name}a:2`)).toBe('2');
    expect(await redis.pttl(`${name}b:2`)).toBeGreaterThan(60_000);
  });

  it('reject when Redis cannot count', async () => {
    await redis.set(`${name}c:2`, 'no number');
    await expect(redisCounters(redis, name).add([{ key: 'c:2', by: 1, ttlMs: 1_000 }])).rejects.toThrow(
      'integer',
    );
  });
});
