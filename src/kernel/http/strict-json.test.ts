import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../errors.ts';
import { parseStrictJson } from './strict-json.ts';

const parse = (text: string): unknown => parseStrictJson(Buffer.from(text));

function refusalOf(input: string | Buffer): AppError {
  try {
    parseStrictJson(Buffer.from(input));
  } catch (error) {
    if (error instanceof AppError) return error;
  }
  throw new Error('was accepted');
}

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('parseStrictJson', () => {
  it('reads any JSON value of well-formed text as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/\\u0000|\\ud[89a-f]|__proto__|constructor/i.test(text) && !/\d{16}|e\+/.test(text));
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ['a byte order mark', Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), 'byte order mark'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), 'not valid UTF-8'],
    ['a surrogate encoded as UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'not valid UTF-8'],
    ['UTF-16', Buffer.from('{}', 'utf16le'), 'not valid JSON'],
    ['NaN', '{"a":NaN}', 'not valid JSON'],
    ['a trailing comma', '[1,]', 'not valid JSON'],
    ['a leading zero', '[01]', 'not valid JSON'],
    ['a comment', '/* */ {}', 'not valid JSON'],
    ['nothing but spaces', '  ', 'not valid JSON'],
  ])('refuses %s', (_name, input, detail) => {
    expect(refusalOf(input)).toMatchObject({ status: 400, code: 'request.invalid_json' });
    expect(refusalOf(input).message).toContain(detail);
  });

  it.each([
    ['a NUL', '{"gpus":[{"name":"a\\u0000b"}]}', '/gpus/0/name'],
    ['a NUL in a name', '{"a\\u0000":1}', '/a\0'],
    ['a lone surrogate', '{"name":"\\ud800"}', '/name'],
    ['a reversed pair', '{"name":"\\udc00\\ud800"}', '/name'],
    ['a whole number beyond 2^53-1', '{"version":9007199254740993}', '/version'],
    ['a whole number below -(2^53-1)', '{"version":-9007199254740992}', '/version'],
    ['a number too large', '{"value":[1e400]}', '/value/0'],
    ['__proto__', '{"a":{"__proto__":{}}}', '/a/__proto__'],
    ['an escaped __proto__', '{"\\u005f_proto__":1}', '/__proto__'],
    ['constructor.prototype', '{"constructor":{"prototype":{}}}', '/constructor'],
    ['33 levels', nested(33), '/0'.repeat(32)],
    ['50,000 levels', nested(50_000), '/0'.repeat(32)],
  ])('refuses %s and names the place', (_name, input, pointer) => {
    expect(refusalOf(input)).toMatchObject({ status: 400, code: 'request.invalid', errors: [{ pointer }] });
  });

  it.each([
    ['a pair of surrogates', '"\\ud83d\\ude00"'],
    ['32 levels', nested(32)],
    ['the largest safe numbers', '[9007199254740991,-9007199254740991,-0,1e-400,0.1]'],
    ['a property called constructor', '{"constructor":{"name":"x"}}'],
    ['a text that speaks of __proto__', '{"a":"__proto__"}'],
  ])('takes %s', (_name, input) => {
    expect(parse(input)).toEqual(JSON.parse(input));
  });

  it('lets the last value of a repeated name win', () => {
    expect(parse('{"a":1,"a":2}')).toEqual({ a: 2 });
  });
});
