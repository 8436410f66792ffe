import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  heldLoad,
  newSource,
  price,
  type Source,
  type TestCache,
  testCache,
} from '../../../test/support/test-cache.ts';
import { until } from '../../../test/support/until.ts';

describe('a cache in one process', () => {
  let now: number;
  let replicas: number;
  let cache: TestCache;
  let source: Source;

  beforeEach(() => {
    now = 0;
    replicas = 1;
    source = newSource(10);
    cache = testCache({ redisUrl: null, clock: { now: () => now }, replicas: () => replicas });
  });
  afterEach(() => cache.close());

  it('loads once for 200 readers at the same time, and for those that follow', async () => {
    const values = await Promise.all(Array.from({ length: 200 }, () => cache.read(source)));
    expect(new Set(values)).toEqual(new Set([10]));
    await cache.read(source);
    expect(source.loads).toBe(1);
    expect(cache.outcomes.filter((outcome) => outcome === 'joined')).toHaveLength(199);
    expect(cache.outcomes.at(-1)).toBe('hit');
  });

  it('keeps domains and keys apart', async () => {
    await cache.read(source);
    const others = [
      { ...price, key: 'gpu-2' },
      { ...price, domain: 'volatile' as const },
    ];
    for (const name of others) expect(await cache.readThrough(name, async () => 20)).toBe(20);
    expect(await cache.read(source)).toBe(10);
  });

  it('gives each reader an object of its own', async () => {
    const read = () => cache.readThrough(price, async () => ({ labels: ['a'] }));
    (await read()).labels.push('b');
    expect(await read()).toEqual({ labels: ['a'] });
  });

  it('passes serialised answers through as they are', async () => {
    const text = '{"id": 1,  "spaces":   "kept"}';
    const read = () => cache.readThroughText(price, async () => text);
    expect([await read(), await read()]).toEqual([text, text]);
    expect(cache.outcomes).toEqual(['loaded', 'hit']);
  });

  it('does not keep a failed load', async () => {
    const failing = cache.readThrough(price, () => Promise.reject(new Error('no database')));
    await expect(failing).rejects.toThrow('no database');
    expect(await cache.read(source)).toBe(10);
  });

  it('shows every reader an invalidated value no more', async () => {
    await cache.read(source);
    source.value = 11;
    await cache.invalidate(['gpu:1']);
    expect(await cache.read(source)).toBe(11);
    source.value = 12;
    await cache.invalidate(['*']);
    expect(await cache.read(source)).toBe(12);
    await cache.invalidate(['gpu:2']);
    await cache.read(source);
    expect(source.loads).toBe(3);
  });

  it('neither keeps nor shares a load that an invalidation overtakes', async () => {
    const held = heldLoad();
    const before = cache.readThroughText(price, held.load);
    source.value = 11;
    await cache.invalidate(['gpus']);
    expect(await cache.read(source)).toBe(11);
    held.finish('10');
    expect(await before).toBe('10');
    expect(await cache.read(source)).toBe(11);
    expect(source.loads).toBe(1);
  });

  it('lets nobody join a load that has been running for a second', async () => {
    const held = heldLoad();
    const slow = cache.readThroughText(price, held.load);
    now = 999;
    const joined = cache.readThroughText(price, async () => 'never asked');
    now = 1000;
    expect(await cache.read(source)).toBe(10);
    held.finish('9');
    expect([await slow, await joined]).toEqual(['9', '9']);
    expect(await cache.read(source)).toBe(10);
  });

  describe('past its time, 30 s ± 10 % for prices', () => {
    beforeEach(async () => {
      await cache.read(source);
      source.value = 11;
    });

    it('is fresh for 27 s at least', async () => {
      now = 26_999;
      expect(await cache.read(source)).toBe(10);
      expect(cache.outcomes.at(-1)).toBe('hit');
    });

    it('is served while one refresh runs', async () => {
      now = 33_001;
      const readers = Array.from({ length: 50 }, () => cache.read(source));
      expect(new Set(await Promise.all(readers))).toEqual(new Set([10]));
      expect(await cache.read(source)).toBe(11);
      expect(source.loads).toBe(2);
    });

    it('is still served when the refresh fails', async () => {
      now = 33_001;
      const failing = () => cache.readThrough(price, () => Promise.reject(new Error('no database')));
      expect(await failing()).toBe(10);
      expect(await failing()).toBe(10);
      await until('the failure is counted', () => cache.outcomes.includes('refresh_failed'));
    });

    it('is not served for more than 10 s longer', async () => {
      now = 43_001;
      expect(await cache.read(source)).toBe(11);
    });

    it('is not served at all after an invalidation', async () => {
      now = 33_001;
      await cache.invalidate(['gpu:1']);
      expect(await cache.read(source)).toBe(11);
    });
  });

  describe('beside another replica', () => {
    it('loads for each reader that does not come at the same time', async () => {
      replicas = 2;
      await Promise.all([cache.read(source), cache.read(source)]);
      source.value = 11;
      expect(await cache.read(source)).toBe(11);
      expect(cache.outcomes).toEqual(['bypassed', 'joined', 'bypassed']);
      expect(cache.state()).toEqual({ mode: 'memory', status: 'degraded', entries: 0, bytes: 0 });
    });

    it('forgets what it kept before the other one came', async () => {
      await cache.read(source);
      source.value = 11;
      replicas = 2;
      expect(cache.state().entries).toBe(0);
      replicas = 1;
      expect(await cache.read(source)).toBe(11);
    });

    it('does not keep what was being loaded when the other one came', async () => {
      const held = heldLoad();
      const before = cache.readThroughText(price, held.load);
      replicas = 2;
      expect(cache.state().status).toBe('degraded');
      replicas = 1;
      held.finish('10');
      await before;
      source.value = 11;
      expect(await cache.read(source)).toBe(11);
    });
  });
});
