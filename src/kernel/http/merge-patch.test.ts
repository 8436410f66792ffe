import { describe, expect, it } from '@jest/globals';
import { mergePatch } from './merge-patch.ts';

/** RFC 7396, appendix A, as far as both sides are objects, one level down: there `null` removes as the RFC says. */
const appendixA = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
] as const;

describe('mergePatch', () => {
  it.each(appendixA)('merges inside a field as RFC 7396 does: %j + %j = %j', (target, patch, result) => {
    expect(mergePatch({ labels: target as unknown }, { labels: patch })).toEqual({ labels: result });
  });

  it('leaves what is absent, and replaces what is there', () => {
    expect(mergePatch({ name: 'a', region: 'eu' }, { name: 'b' })).toEqual({ name: 'b', region: 'eu' });
    expect(mergePatch({ name: 'a' }, {})).toEqual({ name: 'a' });
  });

  it('keeps a cleared field of ours as null, which is "unknown"', () => {
    expect(mergePatch({ zone: 'a', quotas: { x: 1 } }, { zone: null, quotas: null })).toEqual({
      zone: null,
      quotas: null,
    });
    expect(mergePatch<{ quotas: object | null }>({ quotas: null }, { quotas: { a: 1, b: null } })).toEqual({
      quotas: { a: 1 },
    });
  });

  it('replaces moments instead of merging them', () => {
    const before: { at: unknown } = { at: new Date(1) };
    expect(mergePatch(before, { at: new Date(2) })).toEqual({ at: new Date(2) });
    expect(mergePatch(before, { at: { year: 1 } })).toEqual({ at: { year: 1 } });
  });

  it('changes neither side', () => {
    const target = { labels: { a: { b: 1 } } };
    const patch = { labels: { a: { b: null, c: 2 } } };
    expect(mergePatch(target, patch)).toEqual({ labels: { a: { c: 2 } } });
    expect(target).toEqual({ labels: { a: { b: 1 } } });
    expect(patch).toEqual({ labels: { a: { b: null, c: 2 } } });
  });

  it('empties labels and attributes that are cleared as a whole, and leaves no null there', () => {
    const target = { labels: { a: 'x' }, attributes: { b: { c: 1 } }, zone: 'z' };
    expect(mergePatch(target, { labels: null, attributes: null, zone: null })).toEqual({
      labels: {},
      attributes: {},
      zone: null,
    });
  });

  it('has no way to the prototype of objects', () => {
    const patch = JSON.parse(
      '{"labels": {"__proto__": {"polluted": true}, "constructor": {"prototype": 1}}}',
    );
    const merged = mergePatch({ labels: {} }, patch);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(merged.labels)).toBe(Object.prototype);
  });

  it('lets no free object grow beyond what one request could send', () => {
    const labels = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`k${index}`, 'v']));
    expect(() => mergePatch({ labels }, { labels: { one: 'more' } })).toThrow(
      'labels: would hold more than 64',
    );
    expect(mergePatch({ labels }, { labels: { k0: null, one: 'more' } }).labels).toHaveProperty('one');
    const attributes = { a: { b: 'x'.repeat(40_000) } };
    const more = { attributes: { a: { c: 'x'.repeat(40_000) } } };
    expect(() => mergePatch({ attributes }, more)).toThrow('attributes: would be longer than 65536');
  });
});
