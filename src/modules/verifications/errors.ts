import { AppError } from '../../kernel/errors.ts';

export const nonceUsed = () =>
  new AppError(409, 'verification.nonce_used', 'Evidence for this challenge was submitted before.');

export const nonceMismatch = () =>
  new AppError(409, 'verification.nonce_mismatch', 'The nonce is not that of this challenge.', {
    errors: [{ pointer: '/nonce', detail: 'is not that of this challenge' }],
  });

export const nonceExpired = () =>
  new AppError(410, 'verification.nonce_expired', 'The challenge has expired; ask for a new one.');

export const evidenceMissing = () =>
  new AppError(409, 'verification.evidence_missing', 'Without evidence the only verdict is unverifiable.');

export const alreadyDecided = () =>
  new AppError(409, 'verification.already_decided', 'This verification has its verdict.');
