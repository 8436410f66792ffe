import sql from 'sql-template-tag';
import type { Collection } from '../../kernel/db/list.ts';
import { boolean, enumeration, matching, text, uuid } from '../../kernel/filters/equality-kinds.ts';
import { defineFilters } from '../../kernel/filters/filters.ts';
import { timestamp } from '../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../kernel/http/sort.ts';
import { recommendedActions } from './known-codes.ts';
import { HealthCheck, outcomes } from './schemas.ts';

export const healthChecks: Collection = {
  name: 'health-checks',
  filters: defineFilters({
    gpuId: uuid({ sql: sql`h.gpu_id` }),
    nodeId: uuid({ sql: sql`h.node_id` }),
    providerId: uuid({ sql: sql`h.provider_id` }),
    check: text({ sql: sql`h."check"`, ignoreCase: true, maxLength: 64 }),
    outcome: enumeration(outcomes, { sql: sql`h.outcome` }),
    fatal: boolean({ sql: sql`h.fatal` }),
    code: text({ sql: sql`h.code`, ignoreCase: true, maxLength: 64 }),
    underLoad: boolean({ sql: sql`h.under_load` }),
    recommendedAction: enumeration(recommendedActions, { sql: sql`h.recommended_action` }),
    observedAt: timestamp({ sql: sql`h.observed_at` }),
    source: matching({
      match: (names) => sql`h.source = ANY(${names}) OR split_part(h.source, ':', 1) = ANY(${names})`,
      description: 'Role, or role and key, of who reported it.',
    }),
    createdAt: timestamp({ sql: sql`h.created_at` }),
  }),
  sort: defineSort({
    id: { sql: sql`h.id`, type: 'uuid' },
    observedAt: { sql: sql`h.observed_at`, type: 'timestamptz' },
  }),
  fields: Object.keys(HealthCheck.properties),
};
