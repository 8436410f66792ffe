import { invalid } from '../errors.ts';
import { invalidJson } from './http-errors.ts';
import { toPointer } from './pointer.ts';

const maxDepth = 32;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses the bytes of a JSON body as I-JSON (RFC 7493), the subset that every reader understands alike: UTF-8
 * without a byte order mark, text without lone surrogates, no whole number beyond ±(2⁵³−1), which JavaScript would
 * round in silence. NUL, which PostgreSQL cannot store, more than 32 levels and the names that poison prototypes are
 * refused as well. Of a repeated name the last value wins, as in `JSON.parse`.
 *
 * Throws 400 `request.invalid_json`, or `request.invalid` naming the place by its JSON pointer.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = decode(bytes);
  const value = parse(text);
  const fault = faultOf(value, 0, text.includes('\\u'));
  if (fault) throw invalid(toPointer(fault.path.reverse()), fault.detail);
  return value;
}

function decode(bytes: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw invalidJson('The body is not valid UTF-8.');
  }
  if (text.startsWith('\uFEFF')) throw invalidJson('The body starts with a byte order mark.');
  return text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidJson(`The body is not valid JSON${position(error)}.`);
  }
}

/** V8 names the place of a syntax error, and sometimes quotes the text around it: only the place is passed on. */
function position(error: unknown): string {
  const place = /at position \d+/.exec(error instanceof Error ? error.message : '');
  return place ? ` (${place[0]})` : '';
}

/** What is wrong with a value, and where it lies: names and indices from the inside out. */
interface Fault {
  detail: string;
  path: (string | number)[];
}

const fault = (detail: string): Fault => ({ detail, path: [] });

/** `escaped`: the body has `\u`, the one way to write what text must not hold (bytes are known to be UTF-8). */
function faultOf(value: unknown, depth: number, escaped: boolean): Fault | null {
  if (typeof value === 'string') return escaped ? faultOfText(value) : null;
  if (typeof value === 'number') return faultOfNumber(value);
  if (value === null || typeof value !== 'object') return null;
  if (depth >= maxDepth) return fault(`is nested deeper than ${maxDepth} levels`);
  return Array.isArray(value) ? faultOfList(value, depth, escaped) : faultOfObject(value, depth, escaped);
}

function faultOfList(list: readonly unknown[], depth: number, escaped: boolean): Fault | null {
  for (let index = 0; index < list.length; index++) {
    const found = faultOf(list[index], depth + 1, escaped);
    if (found) return within(index, found);
  }
  return null;
}

/** `for in` takes a third of the time of `Object.entries`: 2.7 against 9 ms for a batch of 600 kB. */
function faultOfObject(object: object, depth: number, escaped: boolean): Fault | null {
  for (const name in object) {
    const child = (object as Record<string, unknown>)[name];
    const found = faultOfName(name, child, escaped) ?? faultOf(child, depth + 1, escaped);
    if (found) return within(name, found);
  }
  return null;
}

function within(step: string | number, found: Fault): Fault {
  found.path.push(step);
  return found;
}

function faultOfName(name: string, child: unknown, escaped: boolean): Fault | null {
  const poisons =
    name === '__proto__' ||
    (name === 'constructor' &&
      typeof child === 'object' &&
      child !== null &&
      Object.hasOwn(child, 'prototype'));
  if (poisons) return fault('is not an allowed name');
  return escaped ? faultOfText(name) : null;
}

function faultOfText(text: string): Fault | null {
  if (text.includes('\0')) return fault('must not hold a NUL character');
  return loneSurrogate.test(text) ? fault('must not hold a lone surrogate') : null;
}

const loneSurrogate = /\p{Surrogate}/u;

function faultOfNumber(value: number): Fault | null {
  if (Number.isSafeInteger(value)) return null;
  if (!Number.isFinite(value)) return fault('is too large for a number');
  return Number.isInteger(value) ? fault('must lie within ±(2^53−1)') : null;
}
