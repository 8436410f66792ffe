import sql from 'sql-template-tag';
import { roles } from '../../kernel/context.ts';
import type { Collection } from '../../kernel/db/list.ts';
import { contains } from '../../kernel/filters/contains.ts';
import { boolean, enumeration, search, text, uuid } from '../../kernel/filters/equality-kinds.ts';
import { defineFilters } from '../../kernel/filters/filters.ts';
import { timestamp } from '../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../kernel/http/sort.ts';
import { ApiKey, Tenant } from './schemas.ts';

export const apiKeys: Collection = {
  name: 'api-keys',
  filters: defineFilters({
    name: text({ sql: sql`k.name` }),
    role: enumeration(roles, { sql: sql`k.role` }),
    providerId: uuid({ sql: sql`k.provider_id` }),
    nodeId: uuid({ sql: sql`k.node_id` }),
    tenantId: uuid({ sql: sql`k.tenant_id` }),
    disabled: boolean({ sql: sql`k.disabled` }),
    expiresAt: timestamp({ sql: sql`k.expires_at` }),
    createdAt: timestamp({ sql: sql`k.created_at` }),
    lastUsedAt: timestamp({ sql: sql`k.last_used_at` }),
  }),
  sort: defineSort({
    id: { sql: sql`k.id`, type: 'uuid' },
    name: { sql: sql`k.name`, type: 'text' },
    createdAt: { sql: sql`k.created_at`, type: 'timestamptz' },
  }),
  fields: Object.keys(ApiKey.properties),
};

export const tenants: Collection = {
  name: 'tenants',
  filters: defineFilters({
    name: text({ sql: sql`t.name` }),
    createdAt: timestamp({ sql: sql`t.created_at` }),
    q: search({ match: contains(sql`t.name`) }),
  }),
  sort: defineSort({
    id: { sql: sql`t.id`, type: 'uuid' },
    name: { sql: sql`t.name`, type: 'text' },
    createdAt: { sql: sql`t.created_at`, type: 'timestamptz' },
  }),
  fields: Object.keys(Tenant.properties),
};
