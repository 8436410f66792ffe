import sql, { raw, type Sql } from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { gates, maskOf } from '../../../kernel/gates.ts';

/** Whether GPUs are cleaned after use where their node does not say, and how long that may take. */
export interface CleaningPolicy {
  required: boolean;
  timeoutS: number;
}

const cleaning = raw(String(gates.gpu_cleaning));

/**
 * The CTEs `dirty` and `shut` of a step: GPUs that were given back after use get a row of what to clean, and their gate is
 * shut by the same commit. A hold that was never confirmed leaves nothing. Over `booked`, `fit` and the locked `gpu`.
 */
export const shutGates = ({ required, timeoutS }: CleaningPolicy): Sql => sql`dirty AS (
    INSERT INTO inventory.gpu_cleaning (gpu_id, allocation_id, since, deadline_at)
    SELECT b.gpu_id, b.allocation_id, f.at, f.at + make_interval(secs => ${timeoutS}::integer)
      FROM booked b JOIN fit f ON f.id = b.allocation_id
      JOIN gpu g USING (gpu_id) JOIN inventory.node n ON n.id = g.node_id
     WHERE NOT b.lives AND f.activated_at IS NOT NULL AND coalesce(n.cleaning_required, ${required}::boolean)
    RETURNING gpu_id, allocation_id
  ), shut AS (
    UPDATE inventory.gpu_state s SET blocks = s.blocks | ${cleaning} WHERE s.gpu_id IN (SELECT gpu_id FROM dirty)
  )`;

/** Nobody can be asked to clean it now; over `gpu_state s`. */
export const isAway = sql`s.blocks & ${maskOf('node_offline', 'node_not_heard', 'gpu_missing')} <> 0`;

/** Gives GPUs that are back, by a condition on the locked `gpu_state s`, the whole time for their cleaning again. */
export const restartCleaning = (tx: Transaction, gpus: Sql): Promise<number> =>
  tx.execute(sql`/* allocations:restart_cleaning */
    UPDATE inventory.gpu_cleaning c SET since = m.at, deadline_at = m.at + (c.deadline_at - c.since)
      FROM inventory.gpu_state s, (SELECT clock_timestamp() AS at) m
     WHERE s.gpu_id = c.gpu_id AND ${gpus} AND NOT ${isAway}`);
