import sql from 'sql-template-tag';
import type { Principal } from '../../../kernel/context.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { notFound } from '../../../kernel/errors.ts';
import { visibleNodes } from '../nodes/collection.ts';
import { visibleProviders } from '../providers/collection.ts';

/** The nodes that a window is for; their rows are locked by this transaction. */
export interface WindowScope {
  providerId: string;
  /** Null: all nodes of the provider. */
  nodeId: string | null;
  nodeIds: string[];
}

/** Locks one node that the caller may see. @throws 404 `node.not_found`. */
export async function lockNodeScope(
  tx: Transaction,
  principal: Principal,
  nodeId: string,
): Promise<WindowScope> {
  const node = await tx.row<{ id: string; providerId: string }>(sql`/* inventory:lock_node_for_maintenance */
    SELECT n.id, n.provider_id FROM inventory.node n
     WHERE n.id = ${nodeId} AND ${visibleNodes(principal)} FOR NO KEY UPDATE`);
  if (!node) throw notFound('node');
  return { providerId: node.providerId, nodeId: node.id, nodeIds: [node.id] };
}

/**
 * Locks a provider that the caller may see and, after it, all its nodes: who adds a node shares the provider's lock,
 * and so waits, and finds the window. @throws 404 `provider.not_found`.
 */
export async function lockProviderScope(
  tx: Transaction,
  principal: Principal,
  providerId: string,
): Promise<WindowScope> {
  const provider = await tx.row(sql`/* inventory:lock_provider_for_maintenance */
    SELECT p.id FROM inventory.provider p
     WHERE p.id = ${providerId} AND ${visibleProviders(principal)} FOR NO KEY UPDATE`);
  if (!provider) throw notFound('provider');
  const nodes = await tx.rows<{ id: string }>(sql`/* inventory:lock_nodes_for_maintenance */
    SELECT n.id FROM inventory.node n
     WHERE n.provider_id = ${providerId} AND n.deleted_at IS NULL ORDER BY n.id FOR NO KEY UPDATE`);
  return { providerId, nodeId: null, nodeIds: nodes.map(({ id }) => id) };
}
