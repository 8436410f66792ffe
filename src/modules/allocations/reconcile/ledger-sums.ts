import sql, { type Sql } from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';

/** What the live rows of the ledger say of each GPU that they touch: its own shares, and those of its partitions. */
export const ledgerSums: Sql = sql`(
  SELECT gpu_id, sum(units)::integer AS used, coalesce(sum(units) FILTER (WHERE held_until IS NULL), 0)::integer AS active,
         min(held_until) FILTER (WHERE own) AS held_until
    FROM (SELECT gpu_id, units, held_until, true AS own FROM inventory.allocation_gpu WHERE released_at IS NULL
           UNION ALL
          SELECT root_gpu_id, root_units, held_until, false FROM inventory.allocation_gpu
           WHERE released_at IS NULL AND root_gpu_id <> gpu_id) shares
   GROUP BY gpu_id)`;

/** GPUs of `ids`, locked in the order that everybody keeps. */
export const lockGpus = (tx: Transaction, ids: Sql): Promise<{ gpuId: string }[]> =>
  tx.rows<{ gpuId: string }>(sql`/* allocations:reconcile_lock */
    SELECT s.gpu_id FROM inventory.gpu_state s WHERE s.gpu_id IN (${ids}) ORDER BY s.gpu_id FOR NO KEY UPDATE`);

/**
 * Sets the counters of locked GPUs to what the ledger adds up to, as far as that fits: what is given out twice counts
 * once, until the rows that are too many have gone.
 */
export async function recount(tx: Transaction, gpuIds: readonly string[]): Promise<void> {
  await tx.execute(sql`/* allocations:reconcile_recount */
    UPDATE inventory.gpu_state s
       SET used_units = least(l.used, s.total_units), active_units = least(l.active, s.total_units),
           held_until = l.held_until, version = s.version + 1, updated_at = inventory.moment_after(s.updated_at)
      FROM (SELECT g.id, coalesce(l.used, 0) AS used, coalesce(l.active, 0) AS active, l.held_until
              FROM unnest(${gpuIds}::uuid[]) AS g(id) LEFT JOIN ${ledgerSums} l ON l.gpu_id = g.id) l
     WHERE s.gpu_id = l.id
       AND (s.used_units, s.active_units, s.held_until)
           IS DISTINCT FROM (least(l.used, s.total_units), least(l.active, s.total_units), l.held_until)`);
  tx.invalidate('gpus', ...gpuIds.map((id) => `gpu:${id}`));
}
