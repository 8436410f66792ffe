import { type AppError, invalid } from '../errors.ts';
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
  const value = parse(decode(bytes));
  inspect(value, []);
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

type Path = (string | number)[];

function inspect(value: unknown, path: Path): void {
  if (typeof value === 'string') inspectText(value, path);
  else if (typeof value === 'number') inspectNumber(value, path);
  else if (value !== null && typeof value === 'object') inspectChildren(value, path);
}

/** `for in` takes a third of the time of `Object.entries`: 2.7 against 9 ms for a batch of 600 kB. */
function inspectChildren(value: object, path: Path): void {
  if (path.length >= maxDepth) throw at(path, `is nested deeper than ${maxDepth} levels`);
  const isArray = Array.isArray(value);
  for (const key in value) {
    const child = (value as Record<string, unknown>)[key];
    path.push(key);
    if (!isArray) inspectName(key, child, path);
    inspect(child, path);
    path.pop();
  }
}

function inspectName(name: string, child: unknown, path: Path): void {
  inspectText(name, path);
  const poisons =
    name === '__proto__' ||
    (name === 'constructor' &&
      typeof child === 'object' &&
      child !== null &&
      Object.hasOwn(child, 'prototype'));
  if (poisons) throw at(path, 'is not an allowed name');
}

function inspectText(text: string, path: Path): void {
  if (text.includes('\0')) throw at(path, 'must not hold a NUL character');
  if (!isWellFormed(text)) throw at(path, 'must not hold a lone surrogate');
}

function inspectNumber(value: number, path: Path): void {
  if (!Number.isFinite(value)) throw at(path, 'is too large for a number');
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw at(path, 'must lie within ±(2^53−1)');
}

const loneSurrogate = /\p{Surrogate}/u;
const isWellFormed = (text: string): boolean => !loneSurrogate.test(text);

const at = (path: Path, detail: string): AppError => invalid(toPointer(path), detail);
