/**
 * The canonical text of a JSON value (RFC 8785): members sorted by their UTF-16 code units, numbers as ECMAScript
 * writes them, no space. Equal values have equal texts, so that a hash of it is a name for the content.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? '';
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join()}}`;
}
