import type { Principal } from '../../kernel/context.ts';

/** What authentication reads of a stored key. */
export interface StoredKey {
  id: string;
  digest: Buffer;
  role: Principal['role'];
  providerId: string | null;
  nodeId: string | null;
  tenantId: string | null;
  scopes: string[];
  disabled: boolean;
  expired: boolean;
  revoked: boolean;
}

export type KeyState = 'usable' | 'revoked' | 'disabled' | 'expired';

export function stateOf(key: Pick<StoredKey, 'disabled' | 'expired' | 'revoked'>): KeyState {
  if (key.revoked) return 'revoked';
  if (key.disabled) return 'disabled';
  return key.expired ? 'expired' : 'usable';
}

export const principalOf = (key: StoredKey): Principal => ({
  keyId: key.id,
  role: key.role,
  providerId: key.providerId,
  nodeId: key.nodeId,
  tenantId: key.tenantId,
  scopes: key.scopes,
});
