import sql, { type Sql } from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';

/**
 * What the live rows of the ledger say of each GPU that they touch: its own shares, and those of its partitions, which
 * are `part` and `part_memory` alone.
 */
export const ledgerSums: Sql = sql`(
  SELECT gpu_id, sum(units)::integer AS used, coalesce(sum(units) FILTER (WHERE held_until IS NULL), 0)::integer AS active,
         sum(part)::integer AS part, sum(part_memory)::integer AS part_memory,
         coalesce(sum(part) FILTER (WHERE held_until IS NULL), 0)::integer AS active_part, min(held_until) AS held_until
    FROM (SELECT gpu_id, units, 0 AS part, 0 AS part_memory, held_until FROM inventory.allocation_gpu
           WHERE released_at IS NULL
           UNION ALL
          SELECT root_gpu_id, root_units, root_units, coalesce(root_memory_units, root_units), held_until
            FROM inventory.allocation_gpu WHERE released_at IS NULL AND root_gpu_id <> gpu_id) shares
   GROUP BY gpu_id)`;

/** The GPUs of rows of the ledger, with the physical GPUs of partitions, whose counters move with theirs. */
export const withRoots = (rows: Sql): Sql =>
  sql`SELECT x.id FROM (${rows}) l, LATERAL (VALUES (l.gpu_id), (l.root_gpu_id)) x(id)`;

/** GPUs of `ids`, locked in the order that everybody keeps. */
export const lockGpus = (tx: Transaction, ids: Sql): Promise<{ gpuId: string }[]> =>
  tx.rows<{ gpuId: string }>(sql`/* allocations:reconcile_lock */
    SELECT s.gpu_id FROM inventory.gpu_state s WHERE s.gpu_id IN (${ids}) ORDER BY s.gpu_id FOR NO KEY UPDATE`);

/**
 * Sets the counters of locked GPUs to what the ledger adds up to, as far as that fits: what is given out twice counts
 * once, and use through partitions hides any other, until the rows that are too many have gone.
 */
export async function recount(tx: Transaction, gpuIds: readonly string[]): Promise<void> {
  const counters = sql`(s.used_units, s.active_units, s.partition_units, s.partition_memory_units, s.held_until)`;
  await tx.execute(sql`/* allocations:reconcile_recount */
    UPDATE inventory.gpu_state s
       SET used_units = l.used, active_units = l.active, partition_units = l.part,
           partition_memory_units = l.part_memory, held_until = l.held_until, version = s.version + 1,
           updated_at = inventory.moment_after(s.updated_at)
      FROM (SELECT g.id, least(coalesce(CASE WHEN l.part > 0 THEN l.part ELSE l.used END, 0), g.total_units) AS used,
                   least(coalesce(CASE WHEN l.part > 0 THEN l.active_part ELSE l.active END, 0), g.total_units) AS active,
                   least(coalesce(l.part, 0), g.total_units) AS part,
                   least(coalesce(l.part_memory, 0), g.total_units) AS part_memory, l.held_until
              FROM (SELECT k.gpu_id AS id, k.total_units FROM inventory.gpu_state k WHERE k.gpu_id = ANY(${gpuIds}::uuid[])) g
              LEFT JOIN ${ledgerSums} l ON l.gpu_id = g.id) l
     WHERE s.gpu_id = l.id
       AND ${counters} IS DISTINCT FROM (l.used, l.active, l.part, l.part_memory, l.held_until)`);
  tx.invalidate('gpus', ...gpuIds.map((id) => `gpu:${id}`));
}
