type Json = Record<string, unknown>;

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

/**
 * JSON Merge Patch (RFC 7396) of an object of ours: absent = unchanged, `null` = cleared. Our top-level fields never
 * vanish, so there `null` stays as the value "unknown"; inside labels and the like it removes the key.
 */
export function mergePatch<Target extends object>(target: Target, patch: object): Target {
  const merged = { ...target } as Json;
  for (const [key, value] of Object.entries(patch))
    merged[key] = value === null ? null : mergeMember(merged[key], value);
  return merged as Target;
}
