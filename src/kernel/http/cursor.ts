import { createHmac, timingSafeEqual } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { FilterAst } from '../filters/filters.ts';
import { type Clock, systemClock } from '../time.ts';
import type { SortValues } from './keyset.ts';
import type { Sort } from './sort.ts';

/** Raised when the meaning of a payload changes: older cursors are then refused instead of misread. */
const format = 1;
const dayMs = 24 * 60 * 60 * 1000;

/** The walk that a cursor belongs to; in any other it is worth nothing. */
export interface CursorScope {
  collection: string;
  filters: FilterAst;
  sort: Sort;
  /** Whose view of the collection it is, where views differ: a tenant's, a provider's. */
  owner?: string | null;
}

export interface CursorCodec {
  encode(scope: CursorScope, last: SortValues): string;
  /** @throws 400 `request.invalid_cursor` where it is malformed, altered, expired, or of another walk. */
  decode(scope: CursorScope, cursor: string): SortValues;
}

interface Payload {
  v: number;
  /** Sort values of the last row. */
  k: SortValues;
  /** End of validity, milliseconds of the epoch. */
  e: number;
}

/** The order in which filters are written changes nothing, nor does a shorthand in place of what it means. */
function describeScope({ collection, filters, sort, owner = null }: CursorScope): string {
  const tests = filters.map(({ test }) => JSON.stringify(test)).sort();
  const order = sort.map(({ name, direction, type }) => [name, direction, type]);
  return JSON.stringify([collection, owner, tests, order]);
}

const sameText = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

const refuse = (): AppError =>
  new AppError(400, 'request.invalid_cursor', 'The cursor is not one of this list, or it has expired.', {
    errors: [{ pointer: 'cursor', detail: 'is not a cursor of this list' }],
  });

/**
 * Makes and reads cursors: `base64url(JSON payload).base64url(HMAC-SHA256)`. The scope is not carried but signed with
 * the payload, as associated data is in AEAD (RFC 5116): another filter, sort, collection or owner fails the same
 * check as a forged token. The process's clock decides on expiry; with a day of validity its error does not matter.
 *
 * @example const cursors = createCursorCodec(secret); cursors.decode(scope, cursors.encode(scope, ['A100', id]))
 */
export function createCursorCodec(secret: Buffer, clock: Clock = systemClock, ttlMs = dayMs): CursorCodec {
  const sign = (scope: CursorScope, body: string): string =>
    createHmac('sha256', secret)
      .update(`${body}.${describeScope(scope)}`)
      .digest('base64url');
  return {
    encode(scope, last) {
      const payload: Payload = { v: format, k: last, e: clock.now() + ttlMs };
      const body = Buffer.from(JSON.stringify(payload)).toString('base64url');
      return `${body}.${sign(scope, body)}`;
    },
    decode(scope, cursor) {
      const [body = '', signature = ''] = cursor.split('.', 2);
      if (!sameText(cursor, `${body}.${signature}`) || !sameText(signature, sign(scope, body)))
        throw refuse();
      const payload: Payload = JSON.parse(Buffer.from(body, 'base64url').toString());
      if (payload.v !== format || payload.e <= clock.now()) throw refuse();
      return payload.k;
    },
  };
}

/** Cursors are signed with a key that lies in the database: until that has been read there is none. */
export class LateCursors implements CursorCodec {
  #codec: CursorCodec | undefined;

  use(codec: CursorCodec): void {
    this.#codec = codec;
  }

  encode(scope: CursorScope, last: SortValues): string {
    return this.#ready().encode(scope, last);
  }

  decode(scope: CursorScope, cursor: string): SortValues {
    return this.#ready().decode(scope, cursor);
  }

  #ready(): CursorCodec {
    if (!this.#codec) throw new Error('A cursor was used before the service had started.');
    return this.#codec;
  }
}
