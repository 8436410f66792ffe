import sql, { type Sql } from 'sql-template-tag';
import { claimColumns } from './claim.ts';

/**
 * The rows of `wanted`, and the physical GPUs of those that are partitions, unless they are wanted as well, with `nothing` in
 * their other columns. One statement locks both by their ids, as everybody does: who locked a partition first and
 * waited for its physical GPU then would wait for those who wait for the partition.
 */
export const withRootsOf = (wanted: Sql, nothing: Sql): Sql => sql`
  SELECT w.* FROM ${wanted} w UNION ALL
  SELECT DISTINCT p.root_gpu_id, ${nothing} FROM ${wanted} w JOIN inventory.gpu_state p USING (gpu_id)
   WHERE p.root_gpu_id <> p.gpu_id AND p.root_gpu_id NOT IN (SELECT gpu_id FROM ${wanted})`;

/** The CTEs `root` and `locked`: the physical GPUs that nobody has locked of the partitions in `taken`, and all of them. */
export const skippedRoots = (nothing: Sql): Sql => sql`root AS MATERIALIZED (
    SELECT ${claimColumns}, ${nothing} FROM inventory.gpu_state s
     WHERE s.gpu_id IN (SELECT root_gpu_id FROM taken WHERE root_gpu_id <> gpu_id)
       AND s.gpu_id NOT IN (SELECT gpu_id FROM taken)
     ORDER BY s.gpu_id FOR NO KEY UPDATE SKIP LOCKED
  ), locked AS (SELECT * FROM taken UNION ALL SELECT * FROM root)`;
