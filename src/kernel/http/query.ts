import type { FieldError } from '../errors.ts';

const fault = Symbol('fault');

/** The parameters of a query string; what is wrong with it travels along, since a router's parser must not throw. */
export type Query = Record<string, string> & { [fault]?: FieldError };

const decode = (text: string): string =>
  /[%+]/.test(text) ? decodeURIComponent(text.replaceAll('+', ' ')) : text;

/**
 * Parses a query string (`application/x-www-form-urlencoded`) into flat text values. Unlike `node:querystring` it
 * reports what others repair in silence: a repeated name, percent-encoding that is not UTF-8, a NUL character.
 */
export function parseQuery(text: string): Query {
  const query: Query = Object.create(null);
  for (const part of text.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const rawName = equals === -1 ? part : part.slice(0, equals);
    const problem = addParameter(query, rawName, equals === -1 ? '' : part.slice(equals + 1));
    if (problem) query[fault] ??= { pointer: rawName, detail: problem };
  }
  return query;
}

function addParameter(query: Query, rawName: string, rawValue: string): string | null {
  try {
    const name = decode(rawName);
    const value = decode(rawValue);
    if (name.includes('\0') || value.includes('\0')) return 'must not hold a NUL character';
    if (Object.hasOwn(query, name)) return 'must not be repeated';
    query[name] = value;
    return null;
  } catch {
    return 'is not percent-encoded UTF-8';
  }
}

/** The first thing that was wrong with the query string, or null. */
export const queryFault = (query: unknown): FieldError | null => (query as Query | null)?.[fault] ?? null;
