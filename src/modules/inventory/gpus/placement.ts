import sql, { type Sql } from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { gatesOf } from '../gates.ts';

/** The node that GPUs are written on, locked against every other writer of its inventory. */
export interface LockedNode {
  id: string;
  seq: number;
  providerId: string;
  region: string;
  version: number;
  system: Record<string, unknown>;
  inventoryGeneration: number | null;
  inventoryDigest: Buffer | null;
  reputation: number | null;
}

/**
 * Locks nodes and, before them, their providers against a change of lifecycle: gates of new GPUs are read after this.
 * Always in this order, so that it cannot deadlock with a change of a provider and its nodes.
 */
export async function lockNodes(
  tx: Transaction,
  ids: readonly string[],
  visible: Sql,
): Promise<Map<string, LockedNode>> {
  const nodeIds = [...new Set(ids)];
  await tx.execute(sql`/* inventory:share_providers */
    SELECT FROM inventory.provider p
     WHERE p.id IN (SELECT n.provider_id FROM inventory.node n WHERE n.id = ANY(${nodeIds}::uuid[]))
     ORDER BY p.id FOR SHARE`);
  const nodes = await tx.rows<LockedNode>(sql`/* inventory:lock_nodes */
    SELECT n.id, n.seq, n.provider_id, n.region, n.version, n.system, n.inventory_generation, n.inventory_digest,
           (SELECT p.reputation FROM inventory.provider p WHERE p.id = n.provider_id) AS reputation
      FROM inventory.node n WHERE n.id = ANY(${nodeIds}::uuid[]) AND ${visible}
     ORDER BY n.id FOR NO KEY UPDATE`);
  return new Map(nodes.map((node) => [node.id, node]));
}

/**
 * The gates that GPUs on these nodes get from their place. The nodes are locked already: whoever changes their liveness
 * takes the same lock first, and finds the new GPUs.
 */
export async function gatesOfNodes(tx: Transaction, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await tx.rows<{ id: string; blocks: number }>(sql`/* inventory:gates_of_nodes */
    SELECT n.id, ${gatesOf} AS blocks
      FROM inventory.node n JOIN inventory.provider p ON p.id = n.provider_id
      LEFT JOIN inventory.node_heartbeat h ON h.node_id = n.id
     WHERE n.id = ANY(${ids}::uuid[])`);
  return new Map(rows.map(({ id, blocks }) => [id, blocks]));
}
