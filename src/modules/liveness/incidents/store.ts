import sql from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { newId } from '../../../kernel/ids.ts';
import type { IncidentKind } from './domain.ts';

/**
 * Opens an incident of each node, from its last heartbeat on: nothing shows that it lived after it. Silence from before
 * `since`, when we began to listen, may have been ours, and is held against nobody. Where one is open already, since
 * the breaker had made the node unknown, it is of this kind from its beginning.
 */
export async function openIncidents(
  tx: Transaction,
  nodeIds: readonly string[],
  kind: IncidentKind,
  since: string,
): Promise<void> {
  if (nodeIds.length === 0) return;
  await tx.execute(sql`/* liveness:open_incidents */
    INSERT INTO inventory.incident AS i (id, node_id, provider_id, kind, started_at)
    SELECT silent.id, h.node_id, h.provider_id, ${kind}, greatest(h.last_heartbeat_at, ${since}::timestamptz)
      FROM unnest(${nodeIds}::uuid[], ${nodeIds.map(newId)}::uuid[]) AS silent(node_id, id)
      JOIN inventory.node_heartbeat h ON h.node_id = silent.node_id
    ON CONFLICT (node_id) WHERE ended_at IS NULL DO UPDATE SET kind = excluded.kind`);
}

/** A node that was silent and is heard again: how often it went offline within the last hour. */
export interface Recovery {
  nodeId: string;
  lapses: number;
}

/** Closes the incidents of nodes with the heartbeat that was stored just now. */
export async function closeIncidents(tx: Transaction, nodeIds: readonly string[]): Promise<Recovery[]> {
  if (nodeIds.length === 0) return [];
  await tx.execute(sql`/* liveness:close_incidents */
    UPDATE inventory.incident i SET ended_at = greatest(h.last_heartbeat_at, i.started_at)
      FROM inventory.node_heartbeat h
     WHERE i.node_id = ANY(${nodeIds}::uuid[]) AND i.ended_at IS NULL AND h.node_id = i.node_id`);
  return tx.rows<Recovery>(sql`/* liveness:recent_lapses */
    SELECT i.node_id, count(*) AS lapses
      FROM inventory.incident i JOIN inventory.node_heartbeat h ON h.node_id = i.node_id
     WHERE i.node_id = ANY(${nodeIds}::uuid[]) AND i.kind = 'offline'
       AND i.ended_at > h.last_heartbeat_at - interval '1 hour' GROUP BY i.node_id`);
}
