import { invalid, versionConflict } from '../errors.ts';

/** What `If-Match` asks for: that the object exists, or that its version is one of these. */
export type IfMatch = { any: true } | { versions: number[] };

const tagList = /^(?:W\/)?"[\x21\x23-\x7e]*"(?:[ \t]*,[ \t]*(?:W\/)?"[\x21\x23-\x7e]*")*$/;
const tags = /(W\/)?"([^"]*)"/g;
const versionText = /^(?:0|[1-9]\d*)$/;

interface Tag {
  weak: boolean;
  version: number;
}

/** The tags that could be ours; others are well formed and match nothing. */
function parseTags(name: string, header: string): Tag[] {
  const text = header.trim();
  if (!tagList.test(text)) throw invalid(name, 'must be "*" or a list of quoted entity tags, such as "3"');
  return [...text.matchAll(tags)]
    .map(([, weak, opaque = '']) => ({ weak: weak !== undefined, opaque }))
    .filter(({ opaque }) => versionText.test(opaque) && Number.isSafeInteger(Number(opaque)))
    .map(({ weak, opaque }) => ({ weak, version: Number(opaque) }));
}

/** The entity tag of a version: `3` → `"3"`. */
export const formatEtag = (version: number): string => `"${version}"`;

/**
 * Reads `If-Match`; null where it is absent. Weak tags are dropped: RFC 9110, 13.1.1, wants strong comparison.
 *
 * @example parseIfMatch('"3", W/"4"') // { versions: [3] }
 * @throws 400 `request.invalid` naming `If-Match` where it is malformed.
 */
export function parseIfMatch(header: string | undefined): IfMatch | null {
  if (header === undefined) return null;
  if (header.trim() === '*') return { any: true };
  const strong = parseTags('If-Match', header).filter((tag) => !tag.weak);
  return { versions: strong.map((tag) => tag.version) };
}

export const matchesVersion = (ifMatch: IfMatch, version: number): boolean =>
  'any' in ifMatch || ifMatch.versions.includes(version);

/** @throws 412 `request.version_conflict` with the current version, unless there is no condition or it holds. */
export function assertVersion(ifMatch: IfMatch | null, current: number): void {
  if (ifMatch !== null && !matchesVersion(ifMatch, current)) throw versionConflict(current);
}

/**
 * Whether a GET may be answered 304: `If-None-Match` names this version, weakly or strongly, or is `*`.
 *
 * @throws 400 `request.invalid` naming `If-None-Match` where it is malformed.
 */
export function matchesIfNoneMatch(header: string | undefined, version: number): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return parseTags('If-None-Match', header).some((tag) => tag.version === version);
}
