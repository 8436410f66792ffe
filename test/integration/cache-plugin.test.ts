import { describe, expect, it } from '@jest/globals';
import Fastify from 'fastify';
import { pino } from 'pino';
import { cachePlugin } from '../../src/plugins/cache.ts';
import { testRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

describe('the cache plugin', () => {
  const { url, prefix } = testRedis();
  it('opens the cache with the app and closes it with the app', async () => {
    const app = Fastify();
    const log = pino({ level: 'silent' });
    await app.register(cachePlugin, { redisUrl: url, prefix, shape: '1', log, replicas: () => 1 });
    expect(app.hasPlugin('cache')).toBe(true);
    await until('the cache is in touch', () => app.cache.state().status === 'ok');
    expect(app.cache.state().mode).toBe('redis');
    await app.close();
    expect(app.cache.state().status).toBe('degraded');
  });
});
