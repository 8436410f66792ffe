import sql, { type Sql } from 'sql-template-tag';
import type { Principal } from '../../../kernel/context.ts';
import type { Collection } from '../../../kernel/db/list.ts';
import { enumeration, uuid } from '../../../kernel/filters/equality-kinds.ts';
import { field, type ValueKind } from '../../../kernel/filters/field.ts';
import { defineFilters } from '../../../kernel/filters/filters.ts';
import { timestamp } from '../../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../../kernel/http/sort.ts';
import { windowKinds, windowStates } from './domain.ts';
import { MaintenanceWindow } from './schemas.ts';

const stateAt = (moment: Sql): Sql => sql`CASE WHEN w.ends_at <= ${moment} THEN 'ended'
  WHEN w.starts_at <= ${moment} THEN 'active' ELSE 'scheduled' END`;

/** Columns of `inventory.maintenance_window w`. */
export const windowColumns = sql`
  w.id, w.provider_id, w.node_id, w.kind, ${stateAt(sql`clock_timestamp()`)} AS state, w.reason, w.starts_at, w.ends_at,
  w.announced_at, w.version, w.updated_at`;

const ofNode = field(
  uuid({ sql: sql`w.node_id` }) as ValueKind,
  ['in'],
  { description: "Windows that cover this node, the provider's included." },
  (_operator, operand) => {
    const ids = [operand].flat();
    return sql`w.id IN (SELECT m.window_id FROM inventory.node_maintenance m WHERE m.node_id = ANY(${ids}::uuid[]))`;
  },
);

export const maintenanceWindows: Collection = {
  name: 'maintenance-windows',
  filters: defineFilters({
    providerId: uuid({ sql: sql`w.provider_id` }),
    nodeId: ofNode,
    kind: enumeration(windowKinds, { sql: sql`w.kind` }),
    state: enumeration(windowStates, { sql: stateAt, description: 'By the time of the database.' }),
    startsAt: timestamp({ sql: sql`w.starts_at` }),
    endsAt: timestamp({ sql: sql`w.ends_at` }),
    announcedAt: timestamp({ sql: sql`w.announced_at` }),
  }),
  sort: defineSort({
    id: { sql: sql`w.id`, type: 'uuid' },
    startsAt: { sql: sql`w.starts_at`, type: 'timestamptz' },
    announcedAt: { sql: sql`w.announced_at`, type: 'timestamptz' },
  }),
  fields: Object.keys(MaintenanceWindow.properties),
};

/**
 * A provider sees its own windows, an agent those of its node, a tenant those of nodes where it has a live allocation,
 * everybody else all of them.
 */
export function visibleWindows({ role, providerId, nodeId, tenantId }: Principal): Sql {
  const there = sql`w.deleted_at IS NULL`;
  if (role === 'provider') return sql`${there} AND w.provider_id = ${providerId}::uuid`;
  if (role === 'agent')
    return sql`${there} AND w.id IN (SELECT m.window_id FROM inventory.node_maintenance m WHERE m.node_id = ${nodeId}::uuid)`;
  if (role !== 'tenant') return there;
  return sql`${there} AND w.id IN (
    SELECT m.window_id FROM inventory.allocation a
      JOIN inventory.allocation_gpu l ON l.allocation_id = a.id AND l.released_at IS NULL
      JOIN inventory.node_maintenance m ON m.node_id = l.node_id
     WHERE a.tenant_id = ${tenantId}::uuid)`;
}
