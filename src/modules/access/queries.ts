import sql, { type Sql } from 'sql-template-tag';

/** A key as the API shows it: everything but its digest. */
export const keyColumns = sql`
  k.id, k.name, k.role, k.provider_id, k.node_id, k.tenant_id, k.scopes, k.hint, k.origin, k.rotated_from, k.disabled,
  k.expires_at, k.revoked_at, k.last_used_at, k.version, k.created_at, k.updated_at`;

export const tenantColumns = sql`t.id, t.name, t.quotas, t.version, t.created_at, t.updated_at`;

/** Keys that a caller may see: a provider its own and its nodes', an operator all. */
export const visibleKeys = (providerId: string | null): Sql =>
  providerId === null
    ? sql`k.revoked_at IS NULL`
    : sql`k.revoked_at IS NULL AND k.provider_id = ${providerId}::uuid`;
