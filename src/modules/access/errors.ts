import { AppError } from '../../kernel/errors.ts';

const unauthorized = (code: string, detail: string) =>
  new AppError(401, code, detail, { headers: { 'www-authenticate': `Bearer error="invalid_token"` } });

export const missingKey = () =>
  new AppError(401, 'auth.missing', 'Send an API key: Authorization: Bearer <api key>.', {
    headers: { 'www-authenticate': 'Bearer' },
  });
export const invalidKey = () => unauthorized('auth.invalid_key', 'This API key is not known.');
export const expiredKey = () => unauthorized('auth.key_expired', 'This API key has expired.');
export const disabledKey = () => unauthorized('auth.key_disabled', 'This API key is disabled.');
export const revokedKey = () => unauthorized('auth.key_revoked', 'This API key was revoked.');
export const outOfScope = (permission: string) =>
  new AppError(403, 'auth.out_of_scope', `This API key's scopes do not include ${permission}.`);
