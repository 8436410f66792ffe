import sql from 'sql-template-tag';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { maskOf } from '../../kernel/gates.ts';
import type { LivenessPorts } from './ports.ts';

/** What others see of a node's signs of life. */
interface Sign {
  liveness: string;
  livenessReason: string | null;
  status: string | null;
  /** It went offline too often of late. */
  flapping: boolean;
}

/** A node whose liveness or maintenance changed; its row of `node` is locked by this transaction. */
export interface Move {
  nodeId: string;
  before: Sign;
  after: Sign;
}

/** The gates that this module owns, and which of them a sign shuts. */
const ownGates = maskOf('node_not_heard', 'node_offline', 'node_maintenance', 'node_flapping');
const notHeard = ['pending', 'unknown'];

const gatesOf = ({ liveness, status, flapping }: Sign): number =>
  (notHeard.includes(liveness) ? maskOf('node_not_heard') : 0) |
  (liveness === 'offline' ? maskOf('node_offline') : 0) |
  (status === 'maintenance' ? maskOf('node_maintenance') : 0) |
  (flapping ? maskOf('node_flapping') : 0);

/** `node.online`, `node.late`, …; where the liveness stays, flapping ended, or maintenance began or ended. */
function typeOf({ before, after }: Move): string {
  if (before.liveness !== after.liveness) return `node.${after.liveness}`;
  if (before.flapping && !after.flapping) return 'node.flapping_ended';
  return after.status === 'maintenance' ? 'node.maintenance_started' : 'node.maintenance_ended';
}

const givenUp = ['offline', 'unknown'];

/** Whether the node is given up, or heard again after it was. */
const isTurned = ({ before, after }: Move): boolean =>
  givenUp.includes(before.liveness) || givenUp.includes(after.liveness);

/**
 * Does what follows from each move, in the transaction that made it: a version of the node and its one change row,
 * the gates of its GPUs, and word of it to those who use them. GPU versions stay: this is a node's state seen through
 * its GPUs.
 */
export async function recordMoves(
  tx: Transaction,
  moves: readonly Move[],
  reason: string,
  ports: LivenessPorts,
): Promise<void> {
  if (moves.length === 0) return;
  const byNode = new Map(moves.map((move) => [move.nodeId, move]));
  const nodes = await tx.rows<{
    id: string;
    providerId: string;
    version: number;
  }>(sql`/* liveness:version_nodes */
    UPDATE inventory.node n SET version = version + 1, updated_at = inventory.moment_after(updated_at),
           first_heard_at = coalesce(first_heard_at, (SELECT h.last_heartbeat_at FROM inventory.node_heartbeat h
                                                       WHERE h.node_id = n.id))
     WHERE id = ANY(${[...byNode.keys()]}::uuid[]) RETURNING id, provider_id, version`);
  await setGates(tx, moves);
  const turned = moves.filter(isTurned).map(({ nodeId }) => nodeId);
  if (turned.length > 0) await ports.nodesTurned(tx, turned);
  await tx.record(
    ...nodes.flatMap(({ id, providerId, version }) => {
      const move = byNode.get(id);
      if (!move) return [];
      const { before, after } = move;
      return {
        type: typeOf(move),
        subject: { type: 'node', id },
        version,
        diff: { before, after },
        reason,
        providerId,
        nodeId: id,
      };
    }),
  );
  tx.invalidate('nodes', ...nodes.flatMap(({ id, providerId }) => [`node:${id}`, `provider:${providerId}`]));
}

async function setGates(tx: Transaction, moves: readonly Move[]): Promise<void> {
  const turned = moves.filter(({ before, after }) => gatesOf(before) !== gatesOf(after));
  if (turned.length === 0) return;
  const gpus = await tx.rows<{ gpuId: string }>(sql`/* liveness:set_gates */
    WITH wanted AS (
      SELECT * FROM unnest(${turned.map(({ nodeId }) => nodeId)}::uuid[],
                           ${turned.map(({ after }) => gatesOf(after))}::integer[]) AS w(node_id, blocks)
    ), turned AS (
      SELECT s.gpu_id, w.blocks FROM inventory.gpu_state s JOIN wanted w USING (node_id)
       WHERE s.deleted_at IS NULL AND (s.blocks & ${ownGates}) <> w.blocks
       ORDER BY s.gpu_id FOR NO KEY UPDATE OF s
    )
    UPDATE inventory.gpu_state s SET blocks = (s.blocks & ~${ownGates}::integer) | turned.blocks
      FROM turned WHERE s.gpu_id = turned.gpu_id RETURNING s.gpu_id`);
  tx.invalidate('gpus', ...gpus.map(({ gpuId }) => `gpu:${gpuId}`));
}
