import sql, { type Sql } from 'sql-template-tag';
import type { Principal, RequestContext } from '../../kernel/context.ts';
import { type Collection, listPage, type Page, parseList } from '../../kernel/db/list.ts';
import { boolean, enumeration, uuid } from '../../kernel/filters/equality-kinds.ts';
import { defineFilters } from '../../kernel/filters/filters.ts';
import { timestamp } from '../../kernel/filters/ordered-kinds.ts';
import { defineSort } from '../../kernel/http/sort.ts';
import type { Kernel } from '../../module.ts';
import { Heartbeat, heartbeatStatuses, metricNames, readingNames } from './schemas.ts';

/** Ordered by the time of arrival, as the key of every partition is: (node, received_at, id). */
export const heartbeats: Collection = {
  name: 'heartbeats',
  filters: defineFilters(
    {
      nodeId: uuid({ sql: sql`b.node_id` }),
      receivedAt: timestamp({ sql: sql`b.received_at` }),
      status: enumeration(heartbeatStatuses, { sql: sql`b.status` }),
      accepted: boolean({ sql: sql`b.accepted` }),
    },
    { from: 'receivedAt.gte', to: 'receivedAt.lt' },
  ),
  sort: defineSort(
    {
      receivedAt: { sql: sql`b.received_at`, type: 'timestamptz' },
      id: { sql: sql`b.id`, type: 'uuid' },
    },
    { default: 'receivedAt' },
  ),
  fields: Object.keys(Heartbeat.properties),
};

const columns = sql`b.id, b.node_id, b.provider_id, b.sequence, b.sent_at, b.received_at, b.status, b.accepted,
  b.system_metrics, b.gpus`;

interface HeartbeatRow extends Omit<Heartbeat, 'systemMetrics' | 'gpus'> {
  systemMetrics: Partial<Heartbeat['systemMetrics']> | null;
  gpus: (Partial<Heartbeat['gpus'][number]> & { uuid: string })[];
}

const unknownOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, null]));
const unknownMetrics = unknownOf(metricNames) as Heartbeat['systemMetrics'];
const unknownReadings = unknownOf(readingNames) as Omit<Heartbeat['gpus'][number], 'uuid'>;

/** History is kept as it was sent; what was not said is unknown. */
const toHeartbeat = ({ systemMetrics, gpus, ...row }: HeartbeatRow): Heartbeat => ({
  ...row,
  systemMetrics: { ...unknownMetrics, ...systemMetrics },
  gpus: gpus.map((gpu) => ({ ...unknownReadings, ...gpu })),
});

function visibleTo({ role, providerId, nodeId }: Principal): Sql {
  if (role === 'agent') return sql`b.node_id = ${nodeId}::uuid`;
  return role === 'provider' ? sql`b.provider_id = ${providerId}::uuid` : sql`TRUE`;
}

/** Heartbeats of one node as they arrived, those included that changed nothing. */
export function listHeartbeats(
  { db, cursors }: Pick<Kernel, 'db' | 'cursors'>,
  { principal }: RequestContext,
  query: Record<string, unknown>,
): Promise<Page<Partial<Heartbeat>>> {
  const request = parseList(heartbeats, cursors, query, principal.nodeId ?? principal.providerId);
  return listPage<HeartbeatRow, Heartbeat>(db, cursors, heartbeats, request, {
    columns,
    from: sql`inventory.heartbeat b`,
    visible: visibleTo(principal),
    map: toHeartbeat,
  });
}
