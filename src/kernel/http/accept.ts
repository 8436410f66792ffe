/** A range of an `Accept` header with its weight: `application/*;q=0.5`. */
const range = /^\s*([^\s;,/]+)\/([^\s;,/]+)(?:\s*;.*?\bq=([0-9.]+))?/i;

function weightOf(text: string, [type, subtype]: readonly string[]): { precision: number; weight: number } {
  const [, rangeType = '', rangeSubtype = '', q = '1'] = range.exec(text.toLowerCase()) ?? [];
  const exact = rangeType === type && rangeSubtype === subtype;
  const ofType = rangeType === type && rangeSubtype === '*';
  const any = rangeType === '*' && rangeSubtype === '*';
  return { precision: exact ? 3 : ofType ? 2 : any ? 1 : 0, weight: Number(q) };
}

/**
 * Whether one of the media types suits an `Accept` header (RFC 9110 section 12.5.1): for each type the most precise
 * range decides, and `q=0` excludes. No header, or an empty one, takes anything.
 */
export function accepts(header: string | undefined, mediaTypes: readonly string[]): boolean {
  if (header === undefined || header.trim() === '' || header.trim() === '*/*') return true;
  const ranges = header.split(',');
  return mediaTypes.some((mediaType) => {
    const parts = mediaType.split('/');
    const matches = ranges.map((text) => weightOf(text, parts)).filter(({ precision }) => precision > 0);
    const best = matches.reduce((a, b) => (b.precision > a.precision ? b : a), { precision: 0, weight: 0 });
    return best.weight > 0;
  });
}
