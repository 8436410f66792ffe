import sql from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import type { Move } from '../moves.ts';
import { closeIncidents } from './store.ts';

const wasSilent = ({ before }: Move): boolean =>
  before.liveness === 'offline' || before.liveness === 'unknown';

/**
 * Closes the incidents of nodes that are heard again, and marks those as flapping that went offline more than `limit`
 * times within an hour: they are heard, and take no work until they have been stable for a while. Hysteresis is what
 * keeps one that comes and goes from being given out in every pause.
 */
export async function recover(tx: Transaction, moves: readonly Move[], limit: number): Promise<Move[]> {
  const silent = moves.filter(wasSilent).map(({ nodeId }) => nodeId);
  const recoveries = await closeIncidents(tx, silent);
  const flapping = new Set(recoveries.filter(({ lapses }) => lapses > limit).map(({ nodeId }) => nodeId));
  if (flapping.size > 0) {
    await tx.execute(sql`/* liveness:mark_flapping */
      UPDATE inventory.node_heartbeat SET flapping_since = last_heartbeat_at
       WHERE node_id = ANY(${[...flapping]}::uuid[]) AND flapping_since IS NULL`);
  }
  return moves.map((move) =>
    flapping.has(move.nodeId) ? { ...move, after: { ...move.after, flapping: true } } : move,
  );
}
