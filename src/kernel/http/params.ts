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
export const IdParams = Type.Object({ id: Uuid() }, { additionalProperties: false });

/** Required by PATCH and DELETE; it stays optional here because its absence is a 428 and not a 400. */
export const IfMatch = {
  'if-match': Type.Optional(
    Type.String({
      maxLength: 200,
      description: '`"<version>"` that the change was made for.',
      examples: ['"3"'],
    }),
  ),
};

/** A read answers 304 when the object still has this version. */
export const IfNoneMatch = {
  'if-none-match': Type.Optional(Type.String({ maxLength: 1000, examples: ['"3"'] })),
};

/** The pattern is checked by the idempotency plugin, which answers for every POST alike. */
export const IdempotencyKey = {
  'idempotency-key': Type.Optional(
    Type.String({ maxLength: 1000, description: '1–255 visible ASCII characters; kept for 24 hours.' }),
  ),
};
