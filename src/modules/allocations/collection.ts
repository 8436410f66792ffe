import sql, { type Sql } from 'sql-template-tag';
import type { Collection } from '../../kernel/db/list.ts';
import { enumeration, uuid } from '../../kernel/filters/equality-kinds.ts';
import { type Field, field, type Operator, type ValueKind } from '../../kernel/filters/field.ts';
import { defineFilters } from '../../kernel/filters/filters.ts';
import { timestamp } from '../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../kernel/http/sort.ts';
import { states } from './life/domain.ts';
import { Allocation } from './schemas.ts';
import { stateAt } from './view.ts';

const equality: readonly Operator[] = ['in'];

/** Allocations any of whose GPUs has this id. */
function ofAnyGpu(column: Sql, description: string): Field {
  const kind: ValueKind = uuid({ sql: column });
  return field(kind, equality, { description }, (_operator, operand) => {
    const ids = [operand].flat();
    return sql`a.id IN (SELECT l.allocation_id FROM inventory.allocation_gpu l WHERE ${column} = ANY(${ids}::uuid[]))`;
  });
}

export const allocations: Collection = {
  name: 'allocations',
  filters: defineFilters({
    state: enumeration(states, { sql: stateAt, description: 'By the time of the database.' }),
    tenantId: uuid({ sql: sql`a.tenant_id` }),
    gpuId: ofAnyGpu(sql`l.gpu_id`, 'Allocations of this GPU, ended ones included.'),
    nodeId: ofAnyGpu(sql`l.node_id`, 'With a GPU that was on this node when it was claimed.'),
    providerId: ofAnyGpu(sql`l.provider_id`, 'With a GPU of this provider.'),
    createdAt: timestamp({ sql: sql`a.created_at` }),
    heldUntil: timestamp({ sql: sql`a.held_until` }),
    expiresAt: timestamp({ sql: sql`a.expires_at` }),
    activatedAt: timestamp({ sql: sql`a.activated_at` }),
    releasedAt: timestamp({ sql: sql`a.released_at` }),
  }),
  sort: defineSort({
    id: { sql: sql`a.id`, type: 'uuid' },
    createdAt: { sql: sql`a.created_at`, type: 'timestamptz' },
  }),
  fields: Object.keys(Allocation.properties),
};
