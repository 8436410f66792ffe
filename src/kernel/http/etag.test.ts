import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../errors.ts';
import { assertVersion, formatEtag, matchesIfNoneMatch, matchesVersion, parseIfMatch } from './etag.ts';

const malformed = [
  '',
  ' ',
  '3',
  '"3',
  '3"',
  '"3""4"',
  '"3";"4"',
  '"3",',
  ',"3"',
  'w/"3"',
  '"a b"',
  '"ä"',
  '*,"3"',
];

describe('parseIfMatch', () => {
  it.each([
    [undefined, null],
    ['*', { any: true }],
    ['"3"', { versions: [3] }],
    [' "3" , "4"', { versions: [3, 4] }],
    ['W/"3"', { versions: [] }],
    ['W/"3", "4"', { versions: [4] }],
    ['"abc", "03", "-1", "1.5", "9007199254740993", "a,b", ""', { versions: [] }],
    ['"9007199254740991"', { versions: [Number.MAX_SAFE_INTEGER] }],
  ])('reads %j as %j', (header, expected) => {
    expect(parseIfMatch(header)).toEqual(expected);
  });

  it.each(malformed)('refuses %j', (header) => {
    expect(() => parseIfMatch(header)).toThrow(/^If-Match: /);
  });

  it('reads back every tag that we send', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (version) => {
        expect(parseIfMatch(formatEtag(version))).toEqual({ versions: [version] });
        expect(matchesIfNoneMatch(formatEtag(version), version)).toBe(true);
      }),
    );
  });
});

describe('assertVersion', () => {
  it('lets pass what names the version, and what names none', () => {
    expect(matchesVersion({ versions: [2, 3] }, 3)).toBe(true);
    expect(matchesVersion({ any: true }, 3)).toBe(true);
    expect(assertVersion(null, 3)).toBeUndefined();
    expect(assertVersion({ versions: [3] }, 3)).toBeUndefined();
  });

  it('answers 412 with the current version otherwise', () => {
    expect(matchesVersion({ versions: [] }, 3)).toBe(false);
    let thrown: unknown;
    try {
      assertVersion({ versions: [2] }, 3);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(AppError);
    expect(thrown).toMatchObject({ status: 412, headers: { etag: '"3"' } });
  });
});

describe('matchesIfNoneMatch', () => {
  it.each([
    [undefined, false],
    ['*', true],
    ['"3"', true],
    ['W/"3"', true],
    ['"2", W/"3"', true],
    ['"2"', false],
    ['"03"', false],
  ])('answers %j with %j for version 3', (header, expected) => {
    expect(matchesIfNoneMatch(header, 3)).toBe(expected);
  });

  it.each(malformed)('refuses %j', (header) => {
    expect(() => matchesIfNoneMatch(header, 3)).toThrow(/^If-None-Match: /);
  });
});
