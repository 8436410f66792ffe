import sql, { type Sql } from 'sql-template-tag';
import type { Principal, RequestContext } from '../../../kernel/context.ts';
import { type Collection, listPage, type Page, parseList } from '../../../kernel/db/list.ts';
import { boolean, enumeration, uuid } from '../../../kernel/filters/equality-kinds.ts';
import { defineFilters } from '../../../kernel/filters/filters.ts';
import { timestamp } from '../../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../../kernel/http/sort.ts';
import type { Kernel } from '../../../module.ts';
import { incidentKinds } from './domain.ts';
import { Incident } from './schemas.ts';

/** Columns of `inventory.incident i` at a moment. */
const incidentColumns = (moment: Sql): Sql => sql`
  i.id, i.node_id, i.provider_id, i.kind, i.ended_at IS NULL AS open, i.started_at, i.ended_at,
  extract(epoch FROM coalesce(i.ended_at, ${moment}) - i.started_at)::double precision AS duration_s`;

export const incidents: Collection = {
  name: 'incidents',
  filters: defineFilters(
    {
      nodeId: uuid({ sql: sql`i.node_id` }),
      providerId: uuid({ sql: sql`i.provider_id` }),
      kind: enumeration(incidentKinds, { sql: sql`i.kind` }),
      open: boolean({ sql: sql`i.ended_at IS NULL` }),
      startedAt: timestamp({ sql: sql`i.started_at` }),
      endedAt: timestamp({ sql: sql`i.ended_at` }),
      lastedUntil: timestamp({
        sql: sql`coalesce(i.ended_at, 'infinity')`,
        description: 'Its end, or for ever while it is open: `from` and `to` find what a range meets.',
      }),
    },
    { from: 'lastedUntil.gt', to: 'startedAt.lt' },
  ),
  sort: defineSort({
    id: { sql: sql`i.id`, type: 'uuid' },
    startedAt: { sql: sql`i.started_at`, type: 'timestamptz' },
  }),
  fields: Object.keys(Incident.properties),
};

/** An agent sees those of its node, a provider its own, everybody else all of them. */
function visibleIncidents({ role, providerId, nodeId }: Principal): Sql {
  if (role === 'agent') return sql`i.node_id = ${nodeId}::uuid`;
  return role === 'provider' ? sql`i.provider_id = ${providerId}::uuid` : sql`TRUE`;
}

export function listIncidents(
  { db, cursors }: Pick<Kernel, 'db' | 'cursors'>,
  { principal }: RequestContext,
  query: Record<string, unknown>,
): Promise<Page<Partial<Incident>>> {
  const request = parseList(incidents, cursors, query, principal.nodeId ?? principal.providerId);
  return listPage<Incident>(db, cursors, incidents, request, {
    columns: incidentColumns(sql`clock_timestamp()`),
    from: sql`inventory.incident i`,
    visible: visibleIncidents(principal),
  });
}
