import { createHash, createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function base62(value: bigint, length: number): string {
  let digits = '';
  for (let rest = value; digits.length < length; rest /= 62n) digits = alphabet[Number(rest % 62n)] + digits;
  return digits;
}

const randomBase62 = (length: number, bytes: number): string =>
  base62(BigInt(`0x${randomBytes(bytes).toString('hex')}`), length);

const checksum = (text: string): string => base62(BigInt(crc32(text)), 6);

const form = /^(dpi_(?:live|agent)_([0-9A-Za-z]{12})_[0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;

/**
 * A new key: `dpi_live_<12 look-up characters>_<43 secret characters = 256 bits><6 checksum characters>`. The prefix
 * lets secret scanners find it, the checksum lets a mistyped key be refused without a query (GitHub's token format).
 */
export function generateKey(kind: 'live' | 'agent'): string {
  const body = `dpi_${kind}_${randomBase62(12, 9)}_${randomBase62(43, 32)}`;
  return body + checksum(body);
}

/**
 * What a key is looked up by: its embedded id, or for an operator's own text a hash of it.
 * null: it has the form of ours and its checksum is wrong.
 */
export function lookupOf(key: string): string | null {
  const [, body = '', lookup = '', sum] = form.exec(key) ?? [];
  if (sum !== undefined) return sum === checksum(body) ? lookup : null;
  return `own_${createHash('sha256').update(`lookup ${key}`).digest('hex').slice(0, 24)}`;
}

/** What is stored of a key. 256 random bits need no slow hash; the pepper makes a stolen table useless by itself. */
export const digestOf = (key: string, pepper: string): Buffer =>
  createHmac('sha256', pepper).update(key).digest();

/** The last four characters: enough for people to recognise a key in a list. */
export const hintOf = (key: string): string => key.slice(-4);
