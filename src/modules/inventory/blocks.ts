import sql, { type Sql } from 'sql-template-tag';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { type Gate, gates } from '../../kernel/gates.ts';

/**
 * Closes or opens one gate on all GPUs of `owner` (a condition on `gpu_state s`). Rows are locked in the order of
 * their ids, as everywhere, and only where the gate is not as wanted already. GPU versions stay: this is a provider's
 * or node's state seen through its GPUs.
 */
export const setGate = (tx: Transaction, owner: Sql, gate: Gate, closed: boolean): Promise<number> =>
  tx.execute(sql`/* inventory:set_gate */
    WITH changed AS (
      SELECT s.gpu_id FROM inventory.gpu_state s
       WHERE ${owner} AND s.deleted_at IS NULL AND (s.blocks & ${gates[gate]} <> 0) <> ${closed}
       ORDER BY s.gpu_id FOR NO KEY UPDATE
    )
    UPDATE inventory.gpu_state s
       SET blocks = CASE WHEN ${closed} THEN s.blocks | ${gates[gate]} ELSE s.blocks & ~${gates[gate]}::integer END
      FROM changed WHERE s.gpu_id = changed.gpu_id`);
