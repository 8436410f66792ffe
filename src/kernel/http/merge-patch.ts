import { invalid } from '../errors.ts';
import { toPointer } from './pointer.ts';

type Json = Record<string, unknown>;

/** A free object may not grow beyond what one request could send, however many patches add to it. */
const maxMembers = 64;
const maxLength = 65_536;

/** Free objects of ours are never unknown: cleared they are empty. */
const neverNull = new Set(['labels', 'attributes']);

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

function mergeMember(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergeMember(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

const cleared = (name: string): Json | null => (neverNull.has(name) ? {} : null);

function assertBounded(name: string, member: unknown): void {
  if (!isObject(member)) return;
  if (Object.keys(member).length > maxMembers)
    throw invalid(toPointer([name]), `would hold more than ${maxMembers} members`);
  if (JSON.stringify(member).length > maxLength)
    throw invalid(toPointer([name]), `would be longer than ${maxLength} characters`);
}

/**
 * JSON Merge Patch (RFC 7396) of an object of ours: absent = unchanged, `null` = cleared. Our top-level fields never
 * vanish, so there `null` stays as the value "unknown"; of labels and the like it removes all, inside them the key.
 *
 * @throws 400 naming a free object that would grow beyond 64 members or 64 KiB.
 */
export function mergePatch<Target extends object>(target: Target, patch: object): Target {
  const merged = { ...target } as Json;
  for (const [key, value] of Object.entries(patch))
    merged[key] = value === null ? cleared(key) : mergeMember(merged[key], value);
  for (const key of Object.keys(patch)) assertBounded(key, merged[key]);
  return merged as Target;
}
