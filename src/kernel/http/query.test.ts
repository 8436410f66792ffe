import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseQuery, queryFault } from './query.ts';

describe('parseQuery', () => {
  it('reads what URLSearchParams wrote', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));
    fc.assert(
      fc.property(fc.dictionary(text.filter(Boolean), text), (parameters) => {
        const query = parseQuery(new URLSearchParams(parameters).toString());
        expect({ ...query }).toEqual({ ...parameters });
        expect(queryFault(query)).toBeNull();
      }),
    );
  });

  it.each([
    ['a repeated name', 'limit=1&q=x&limit=1', 'limit', 'must not be repeated'],
    ['a name repeated in another encoding', 'limit=1&l%69mit=2', 'l%69mit', 'must not be repeated'],
    ['bytes that are not UTF-8', 'q=%ff', 'q', 'is not percent-encoded UTF-8'],
    ['a broken escape', 'q=%zz', 'q', 'is not percent-encoded UTF-8'],
    ['a NUL', 'q=a%00b', 'q', 'must not hold a NUL character'],
  ])('reports %s', (_name, text, pointer, detail) => {
    expect(queryFault(parseQuery(text))).toEqual({ pointer, detail });
  });

  it('keeps names that other parsers take for structure or prototypes', () => {
    expect(Object.entries(parseQuery('a[b]=1&__proto__=2&c;d=3&e&=4'))).toEqual([
      ['a[b]', '1'],
      ['__proto__', '2'],
      ['c;d', '3'],
      ['e', ''],
      ['', '4'],
    ]);
  });

  it('reads a plus as a space, and finds nothing in nothing', () => {
    expect(parseQuery('q=a+b%2B')).toMatchObject({ q: 'a b+' });
    expect(Object.keys(parseQuery(''))).toEqual([]);
    expect(queryFault(null)).toBeNull();
  });
});
