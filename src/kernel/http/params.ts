import { Type } from 'typebox';

/** AJV keyword (see `validator.ts`) that turns the accepted text into lower case. */
export const lowerCaseKeyword = 'x-lower-case';

/**
 * An id: hex and dashes as RFC 9562 section 4 writes it, of any version and in any case, without braces or `urn:`.
 * Validation turns it into lower case, so that ids compare by text in keys of caches and maps.
 */
export const Uuid = (options: { description?: string } = {}) =>
  Type.Unsafe<string>({
    type: 'string',
    format: 'uuid',
    pattern: '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$',
    maxLength: 36,
    [lowerCaseKeyword]: true,
    ...options,
  });

/** Path parameters of `/v1/<things>/:id`. */
export const IdParams = Type.Object(
  { id: Uuid({ description: 'Id of the object.' }) },
  { additionalProperties: false },
);
