import { beforeEach, describe, expect, it } from '@jest/globals';
import { defaultTtlS } from './contract.ts';
import { ReadThrough } from './read-through.ts';
import type { Lookup } from './shared-store.ts';

const name = { domain: 'prices', key: 'gpu-1', tags: ['gpu:1'] } as const;

describe('ReadThrough over a second level', () => {
  let answer: (lookup: Partial<Lookup>) => void;
  let fail: (error: Error) => void;
  let written: string[];
  let cache: ReadThrough;

  beforeEach(() => {
    written = [];
    const read = () =>
      new Promise<Lookup>((resolve, reject) => {
        answer = (lookup) =>
          resolve({ head: 'head', text: null, leftMs: 40_000, poisoned: false, ...lookup });
        fail = reject;
      });
    cache = new ReadThrough({
      ttlS: defaultTtlS,
      maxEntries: 10,
      maxBytes: 1000,
      clock: { now: () => 0 },
      observe: () => {},
      coherence: { usable: () => true, announce: async () => {}, close: async () => {} },
      store: {
        read,
        write: async (_key, { head }, text) => void written.push(head + text),
      },
    });
  });

  const loads = (text: string) => async () => text;

  it('asks it once and keeps what it has', async () => {
    const first = cache.readThroughText(name, loads('1'));
    answer({ text: '2' });
    expect([await first, await cache.readThroughText(name, loads('3'))]).toEqual(['2', '2']);
    expect(written).toEqual([]);
  });

  it('stores a load under what was known before it', async () => {
    const first = cache.readThroughText(name, loads('1'));
    answer({});
    expect(await first).toBe('1');
    expect(written).toEqual(['head1']);
  });

  it('keeps a load in the process when the second level does not answer', async () => {
    const first = cache.readThroughText(name, loads('1'));
    fail(new Error('no Redis'));
    expect([await first, await cache.readThroughText(name, loads('2'))]).toEqual(['1', '1']);
    expect(written).toEqual([]);
  });

  it('does not keep an answer that an invalidation overtakes', async () => {
    const before = cache.readThroughText(name, loads('never'));
    const answerOld = answer;
    await cache.invalidate(['gpu:1']);
    answerOld({ text: 'old' });
    expect(await before).toBe('old');
    const after = cache.readThroughText(name, loads('new'));
    answer({});
    expect(await after).toBe('new');
  });

  it('serves an answer past its time once, and refreshes it by a load', async () => {
    const first = cache.readThroughText(name, loads('never'));
    answer({ text: 'old', leftMs: 9000 });
    expect(await first).toBe('old');
    expect(await cache.readThroughText(name, loads('new'))).toBe('old');
    answer({ text: 'old', leftMs: 8000 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(await cache.readThroughText(name, loads('never'))).toBe('new');
  });
});
