import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { heldLoad, newSource, price, type Source, type TestCache, testCache } from '../support/test-cache.ts';
import { until } from '../support/until.ts';

describe('two caches on one Redis', () => {
  let server: RedisServer;
  let redis: Redis;
  let lagging: RedisServer;
  let copy: Redis;
  let proxy: TcpProxy;
  let replicas: number;
  let here: TestCache;
  let there: TestCache;
  let source: Source;

  beforeAll(async () => {
    [server, lagging] = await Promise.all([startRedis(), startRedis()]);
    [redis, copy] = [new Redis(server.url), new Redis(lagging.url)];
    await redis.config('SET', 'repl-diskless-sync-delay', '0');
  });
  afterAll(async () => {
    for (const client of [redis, copy]) client.disconnect();
    await Promise.all([server.stop(), lagging.stop()]);
  });

  beforeEach(async () => {
    await redis.flushall();
    replicas = 2;
    source = newSource(10);
    proxy = await startTcpProxy(server.port);
    here = testCache({ redisUrl: `redis://127.0.0.1:${proxy.port}`, replicas: () => replicas });
    there = testCache({ redisUrl: server.url, replicas: () => replicas });
    await Promise.all([here.whenInTouch(), there.whenInTouch()]);
    await until('neither drops everything any more', settled);
  });
  afterEach(async () => {
    await Promise.all([here.close(), there.close()]);
    await proxy.close();
  });

  /** Both keep what they load: the news of each other's start have come through. */
  async function settled() {
    await Promise.all([here.read(source), there.read(source)]);
    const { loads } = source;
    await Promise.all([here.read(source), there.read(source)]);
    const kept = here.state().entries === 1 && there.state().entries === 1 && source.loads === loads;
    if (kept) here.outcomes.length = there.outcomes.length = source.loads = 0;
    return kept;
  }

  const write = async (cache: TestCache, value: number) => {
    source.value = value;
    await cache.invalidate(['gpu:1']);
  };

  it('share what one of them has loaded', async () => {
    await write(here, 11);
    expect(await here.read(source)).toBe(11);
    const stored = async () => (await redis.get('test:value:1:prices:gpu-1'))?.endsWith('\n11') === true;
    await until('the value is stored, the old one dropped', async () => {
      return there.state().entries === 0 && (await stored());
    });
    expect(await there.read(source)).toBe(11);
    expect(source.loads).toBe(1);
    expect([here.outcomes, there.outcomes]).toEqual([['loaded'], ['shared']]);
  });

  it('load once per replica for 200 readers each, even when Redis has lost everything', async () => {
    await write(here, 11);
    await redis.flushall();
    const readers = Array.from({ length: 200 }, () => [here.read(source), there.read(source)]);
    expect(new Set(await Promise.all(readers.flat()))).toEqual(new Set([11]));
    expect(source.loads).toBe(2);
  });

  it('see their own writes at once and each other’s soon after', async () => {
    for (let value = 11; value < 21; value++) {
      await write(here, value);
      expect(await here.read(source)).toBe(value);
      await until('the other one sees the write', async () => (await there.read(source)) === value, 2000);
    }
  });

  it('never go back for a reader of the replica that writes', async () => {
    let latest = source.value;
    let done = false;
    const watch = async () => {
      while (!done) {
        const least = latest;
        expect(await here.read(source)).toBeGreaterThanOrEqual(least);
        await there.read(source);
        // A hit resolves at once: without a turn of the event loop nobody else would ever run.
        await setImmediate();
      }
    };
    const watchers = Array.from({ length: 8 }, watch);
    for (let value = 11; value < 211; value++) {
      await write(here, value);
      latest = value;
    }
    done = true;
    await Promise.all(watchers);
    await until('both show the last write', async () => (await there.read(source)) === 210, 2000);
    expect(await here.read(source)).toBe(210);
  });

  it('leave nothing old behind when a write overtakes the other one’s load', async () => {
    await write(there, 10);
    await until('the old value is dropped', () => here.state().entries === 0);
    const held = heldLoad();
    const before = here.readThroughText(price, held.load);
    await until('the load runs', async () => (await redis.exists('test:token:gpu:1')) === 1);
    await write(there, 11);
    held.finish('10');
    expect(await before).toBe('10');
    await until('the write is seen', async () => (await here.read(source)) === 11, 2000);
    expect(await there.read(source)).toBe(11);
  });

  it('do without a cache while one cannot tell the other', async () => {
    proxy.lead(null);
    await write(here, 11);
    expect(await here.read(source)).toBe(11);
    await until('the other one doubts its cache', async () => (await there.read(source)) === 11);
    await write(here, 12);
    expect([await here.read(source), await there.read(source)]).toEqual([12, 12]);
    proxy.lead(server.port);
    await Promise.all([here.whenInTouch(), there.whenInTouch()]);
    expect([await here.read(source), await there.read(source)]).toEqual([12, 12]);
    await until('they keep values again', settled);
  });

  it('keep nothing across a connection that broke for a moment', async () => {
    proxy.lead(null);
    await write(there, 11);
    proxy.lead(server.port);
    await until('the write is seen', async () => (await here.read(source)) === 11);
  });

  it('drop everything when one dies before it could tell of a commit', async () => {
    source.value = 11;
    proxy.lead(null);
    await here.close();
    replicas = 1;
    await until('the other one shows the commit', async () => (await there.read(source)) === 11);
    await there.whenInTouch();
    expect(await there.read(source)).toBe(11);
    expect(await there.read(source)).toBe(11);
    expect(there.outcomes.at(-1)).toBe('hit');
  });

  it('do not mind when one shuts down, since it says so', async () => {
    const listener = redis.duplicate();
    const said: string[] = [];
    await listener.subscribe('test:bus');
    listener.on('message', (_channel: string, text: string) => said.push(text));
    // In this order: first the row in the table of instances, then the word to the others.
    replicas = 1;
    await here.close();
    await until('the goodbye is said', () => said.some((text) => text.includes('"kind":"bye"')));
    await there.read(source);
    expect(there.outcomes).not.toContain('bypassed');
    listener.disconnect();
  });

  it('believe nothing that a Redis with old data brings back', async () => {
    await copy.replicaof('127.0.0.1', server.port);
    await until('the copy is there', async () => (await copy.keys('test:value:*')).length === 1);
    await copy.replicaof('NO', 'ONE');
    await write(there, 11);
    await until('the write is seen', async () => (await here.read(source)) === 11, 2000);
    await there.close();
    replicas = 1;
    here.outcomes.length = 0;
    proxy.lead(lagging.port);
    await until('it is in touch with the other Redis', async () => {
      expect(await here.read(source)).toBe(11);
      return here.outcomes.includes('bypassed') && here.outcomes.at(-1) === 'hit';
    });
  });

  const poisons: [string, () => Promise<unknown>][] = [
    ['broken JSON', () => redis.set('test:value:1:prices:gpu-1', '{"x":1')],
    [
      'another type',
      async () => {
        await redis.del('test:value:1:prices:gpu-1');
        await redis.lpush('test:value:1:prices:gpu-1', '99');
      },
    ],
    [
      'the value of another key',
      () => redis.set('test:value:1:prices:gpu-1', '["test:value:1:prices:gpu-2","a"]\n99', 'PX', 60_000),
    ],
    ['a value that never expires', () => redis.persist('test:value:1:prices:gpu-1')],
  ];
  it.each(poisons)('drop and count %s', async (_what, poison) => {
    const reader = testCache({ redisUrl: server.url, replicas: () => replicas });
    await reader.whenInTouch();
    await poison();
    expect(await reader.read(source)).toBe(10);
    expect(reader.outcomes).toEqual(['poisoned', 'loaded']);
    await reader.close();
  });

  it('never read what another shape has written', async () => {
    const newer = testCache({ redisUrl: server.url, replicas: () => replicas, shape: '2' });
    await Promise.all([newer, here, there].map((cache) => cache.whenInTouch()));
    await write(here, 10);
    await here.read(source);
    await until('the value is stored', async () => (await redis.exists('test:value:1:prices:gpu-1')) === 1);
    expect(await newer.readThrough(price, async () => ({ nanoUsd: 10 }))).toEqual({ nanoUsd: 10 });
    expect(await here.read(source)).toBe(10);
    await write(newer, 11);
    await until('an invalidation reaches both shapes', async () => (await here.read(source)) === 11, 2000);
    await newer.close();
  });
});
