import sql from 'sql-template-tag';
import type { Collection } from '../../kernel/db/list.ts';
import { enumeration, text, uuid } from '../../kernel/filters/equality-kinds.ts';
import { defineFilters } from '../../kernel/filters/filters.ts';
import { integer, timestamp } from '../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../kernel/http/sort.ts';
import { stateAt } from './queries.ts';
import { kinds, states, Verification, verdicts } from './schemas.ts';

export const verifications: Collection = {
  name: 'verifications',
  filters: defineFilters({
    gpuId: uuid({ sql: sql`v.gpu_id` }),
    nodeId: uuid({ sql: sql`v.node_id` }),
    providerId: uuid({ sql: sql`v.provider_id` }),
    kind: enumeration(kinds, { sql: sql`v.kind` }),
    state: enumeration(states, { sql: stateAt }),
    verdict: enumeration(verdicts, { sql: sql`v.verdict` }),
    level: integer({ sql: sql`v.level`, min: 0, max: 4 }),
    verifierId: text({ sql: sql`v.verifier_id` }),
    evidenceSha256: text({ sql: sql`v.evidence_sha256`, maxLength: 64 }),
    expiresAt: timestamp({ sql: sql`v.expires_at` }),
    validUntil: timestamp({ sql: sql`v.valid_until` }),
    decidedAt: timestamp({ sql: sql`v.decided_at` }),
    createdAt: timestamp({ sql: sql`v.created_at` }),
  }),
  sort: defineSort({
    id: { sql: sql`v.id`, type: 'uuid' },
    createdAt: { sql: sql`v.created_at`, type: 'timestamptz' },
  }),
  fields: Object.keys(Verification.properties).filter((name) => name !== 'evidence'),
};
