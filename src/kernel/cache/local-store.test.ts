import { describe, expect, it } from '@jest/globals';
import { LocalStore } from './local-store.ts';

const entry = (text: string, ...tags: string[]) => ({ text, tags, freshUntil: 0 });

describe('LocalStore', () => {
  it('evicts the least recently used entry first', () => {
    const store = new LocalStore({ maxEntries: 2, maxBytes: 1000 });
    store.put('a', entry('1'));
    store.put('b', entry('2'));
    store.get('a');
    store.put('c', entry('3'));
    expect(['a', 'b', 'c'].map((key) => store.get(key)?.text)).toEqual(['1', undefined, '3']);
  });

  it('keeps within its bytes, whatever the sizes', () => {
    const store = new LocalStore({ maxEntries: 100, maxBytes: 50 });
    for (const key of ['a', 'b', 'c', 'd']) store.put(key, entry('x'.repeat(20), 't'));
    expect(store.size).toEqual({ entries: 2, bytes: 42 });
    store.put('huge', entry('x'.repeat(51), 't'));
    expect(store.size).toEqual({ entries: 0, bytes: 0 });
  });

  it('drops what carries one of the tags, and only that', () => {
    const store = new LocalStore({ maxEntries: 10, maxBytes: 1000 });
    store.put('a', entry('1', 'gpu:1', 'gpus'));
    store.put('b', entry('2', 'gpu:2', 'gpus'));
    store.put('c', entry('3', 'nodes'));
    store.drop(['gpu:1', 'gpu:9']);
    expect(['a', 'b', 'c'].map((key) => store.get(key)?.text)).toEqual([undefined, '2', '3']);
    store.drop(['gpus']);
    expect(store.size).toEqual({ entries: 1, bytes: 2 });
  });

  it('forgets the tags of an entry that another has replaced', () => {
    const store = new LocalStore({ maxEntries: 10, maxBytes: 1000 });
    store.put('a', entry('1', 'old'));
    store.put('a', entry('2', 'new'));
    store.drop(['old']);
    expect(store.get('a')?.text).toBe('2');
    store.drop(['new']);
    expect(store.get('a')).toBeUndefined();
  });
});
