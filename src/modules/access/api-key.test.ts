import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestOf, generateKey, hintOf, lookupOf } from './api-key.ts';

describe('a generated key', () => {
  it.each(['live', 'agent'] as const)('of kind %s says what it is', (kind) => {
    const key = generateKey(kind);
    expect(key).toMatch(new RegExp(`^dpi_${kind}_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$`));
    expect(lookupOf(key)).toBe(key.split('_')[2]);
    expect(hintOf(key)).toBe(key.slice(-4));
  });

  it('is never made twice', () => {
    const keys = Array.from({ length: 1000 }, () => generateKey('live'));
    expect(new Set(keys).size).toBe(1000);
    expect(new Set(keys.map(lookupOf)).size).toBe(1000);
  });

  it('is refused without a query when one character of it is wrong', () => {
    const key = generateKey('live');
    const position = fc.integer({ min: 'dpi_live_'.length, max: key.length - 1 });
    fc.assert(
      fc.property(position, fc.constantFrom(...'019AZaz'), (at, character) => {
        fc.pre(key[at] !== character && key[at] !== '_');
        expect(lookupOf(key.slice(0, at) + character + key.slice(at + 1))).toBeNull();
      }),
    );
  });
});

it.each([
  'operator-key-of-the-tests-0123456789',
  'dpi_live_my-own-operator-key-0123456789',
  `dpi_other_${'x'.repeat(60)}`,
])('an own text is looked up by a hash that tells nothing of it: %s', (key) => {
  expect(lookupOf(key)).toMatch(/^own_[0-9a-f]{24}$/);
  expect(lookupOf(key)).toBe(lookupOf(key));
  expect(lookupOf(key)).not.toBe(lookupOf(`${key}x`));
});

it('stores another digest under another pepper', () => {
  const key = generateKey('live');
  expect(digestOf(key, 'a')).toHaveLength(32);
  expect(digestOf(key, 'a')).toEqual(digestOf(key, 'a'));
  expect(digestOf(key, 'a')).not.toEqual(digestOf(key, 'b'));
});
