import type { Logger } from 'pino';

/** What a key may do is decided by its role; what it may see, by the owner that it names. */
export const roles = ['operator', 'provider', 'agent', 'tenant', 'verifier', 'viewer'] as const;
export type Role = (typeof roles)[number];

/** Who is calling: the key, its role and the object that it belongs to. */
export interface Principal {
  keyId: string;
  role: Role;
  providerId: string | null;
  nodeId: string | null;
  tenantId: string | null;
  /** Permissions that the key is limited to; empty means all of its role. */
  scopes: readonly string[];
}

/** The Idempotency-Key of a request, as the plugin prepared it; `db.write` claims it and fills `replayed`. */
export interface IdempotencyRequest {
  /** SHA-256 of owner, operation and key: what the table stores instead of the key. */
  id: Buffer;
  /** SHA-256 of method, URL and canonical body. */
  fingerprint: Buffer;
  /** Key (32 bytes) that stored replies are sealed with; derived from the caller's secret, never stored. */
  sealKey: Buffer;
  replayed: boolean;
}

/** Everything that a service needs to know of the request that it serves. */
export interface RequestContext {
  principal: Principal;
  requestId: string;
  idempotency: IdempotencyRequest | null;
  log: Logger;
}
