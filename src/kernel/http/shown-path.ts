/** API keys and enrolment tokens have a prefix by which scanners find them where they do not belong, and so do we. */
const secret = /dpi_[a-z]+_[\w-]+/g;

/**
 * The path of a request as it may be logged and shown: without the query string, which may hold what nobody should
 * keep, and without keys that were sent as ids.
 *
 * @example shownPath('/v1/nodes/dpi_live_x?a=1') // '/v1/nodes/[redacted]'
 */
export const shownPath = (url: string): string =>
  (url.split('?', 1)[0] ?? '').replaceAll(secret, '[redacted]');
