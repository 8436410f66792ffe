import { AppError } from '../../kernel/errors.ts';
import { hardwareRaced } from './gpus/errors.ts';

const emailTaken = () =>
  new AppError(409, 'provider.email_taken', 'A provider with this e-mail address exists.', {
    errors: [{ pointer: '/email', detail: 'is taken' }],
  });
const walletTaken = () =>
  new AppError(409, 'provider.wallet_taken', 'A provider with this wallet address exists.', {
    errors: [{ pointer: '/walletAddress', detail: 'is taken' }],
  });
const hostnameTaken = () =>
  new AppError(409, 'node.hostname_taken', 'The provider has a node with this hostname.', {
    errors: [{ pointer: '/hostname', detail: 'is taken' }],
  });
export const registrationClosed = () =>
  new AppError(403, 'registration.closed', 'This network takes no registrations; ask an operator.');
export const invalidToken = () =>
  new AppError(401, 'enrollment.invalid_token', 'This enrolment token is not known.');
export const usedToken = () =>
  new AppError(409, 'enrollment.token_used', 'This enrolment token was used before.');
export const expiredToken = () =>
  new AppError(410, 'enrollment.token_expired', 'This enrolment token has expired.');

/** The object cannot go while tenants use its GPUs. */
export const inUse = (resource: 'provider' | 'node' | 'gpu', allocationIds: readonly string[]) =>
  new AppError(409, `${resource}.in_use`, `Live allocations use this ${resource}.`, {
    members: { allocationIds },
  });

export const constraints = {
  provider_email_key: emailTaken,
  provider_wallet_address_key: walletTaken,
  node_hostname_key: hostnameTaken,
  gpu_hardware_key: hardwareRaced,
};
