/** A JSON pointer (RFC 6901): `['gpus', 3, 'a/b']` → `/gpus/3/a~1b`. */
export const toPointer = (path: readonly (string | number)[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
