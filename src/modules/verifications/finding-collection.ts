import sql, { type Sql } from 'sql-template-tag';
import type { Principal } from '../../kernel/context.ts';
import type { Collection } from '../../kernel/db/list.ts';
import { enumeration, text, uuid } from '../../kernel/filters/equality-kinds.ts';
import { defineFilters } from '../../kernel/filters/filters.ts';
import { timestamp } from '../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../kernel/http/sort.ts';
import { Finding, findingStates } from './finding-schemas.ts';

export const findings: Collection = {
  name: 'findings',
  filters: defineFilters({
    kind: text({ sql: sql`f.kind`, maxLength: 64 }),
    state: enumeration(findingStates, { sql: sql`f.state` }),
    subjectKey: text({ sql: sql`f.subject_key` }),
    gpuId: uuid({ sql: sql`f.gpu_id` }),
    nodeId: uuid({ sql: sql`f.node_id` }),
    providerId: uuid({ sql: sql`f.provider_id` }),
    createdAt: timestamp({ sql: sql`f.created_at` }),
    resolvedAt: timestamp({ sql: sql`f.resolved_at` }),
  }),
  sort: defineSort({
    id: { sql: sql`f.id`, type: 'uuid' },
    createdAt: { sql: sql`f.created_at`, type: 'timestamptz' },
  }),
  fields: Object.keys(Finding.properties),
};

/** A finding as the API shows it. */
export const findingColumns = sql`
  f.id, f.kind, f.subject_key, f.provider_id, f.node_id, f.gpu_id, f.detail, f.state, f.resolution, f.version,
  f.created_at, f.resolved_at`;

/** Findings that a caller may see: a provider those against it, an agent those of its node, others all. */
export function visibleFindings({ role, providerId, nodeId }: Principal): Sql {
  if (role === 'provider') return sql`f.provider_id = ${providerId}::uuid`;
  return role === 'agent' ? sql`f.node_id = ${nodeId}::uuid` : sql`TRUE`;
}
