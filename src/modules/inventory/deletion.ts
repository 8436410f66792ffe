import sql, { type Sql } from 'sql-template-tag';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { maskOf } from '../../kernel/gates.ts';
import { inUse } from './errors.ts';
import { quarantine } from './gpus/quarantine.ts';

interface LockedGpu {
  gpuId: string;
  rootGpuId: string;
  nodeId: string;
  providerId: string;
  usedUnits: number;
  /** Is to be deleted; else it is a physical GPU of which only partitions are. */
  goes: boolean;
}

interface DeletedGpu {
  gpuId: string;
  rootGpuId: string;
  blocks: number;
  nodeId: string;
  providerId: string;
  version: number;
}

/**
 * Soft-deletes the GPUs of `owner` (a condition on `gpu_state s`): they keep their history and give their hardware
 * uuid free. Claims lock the same rows, so that none can slip in between the look and the deletion.
 *
 * @throws 409 `<resource>.in_use` naming the live allocations.
 */
export async function deleteGpus(
  tx: Transaction,
  owner: Sql,
  resource: 'provider' | 'node' | 'gpu',
): Promise<DeletedGpu[]> {
  const family = await tx.rows<LockedGpu>(sql`/* inventory:lock_gpus_to_delete */
    SELECT s.gpu_id, s.root_gpu_id, s.node_id, s.provider_id, s.used_units, ${owner} AS goes
      FROM inventory.gpu_state s
     WHERE s.gpu_id IN (SELECT x.id FROM inventory.gpu_state s, LATERAL (VALUES (s.gpu_id), (s.root_gpu_id)) x(id)
                         WHERE ${owner} AND s.deleted_at IS NULL) AND s.deleted_at IS NULL
     ORDER BY s.gpu_id FOR NO KEY UPDATE`);
  const locked = family.filter(({ goes }) => goes);
  const used = locked.filter(({ usedUnits }) => usedUnits > 0).map(({ gpuId }) => gpuId);
  if (used.length > 0) throw inUse(resource, await liveAllocations(tx, used));
  const ids = locked.map(({ gpuId }) => gpuId);
  const deleted = await tx.rows<DeletedGpu>(sql`/* inventory:delete_gpus */
    WITH identity AS (
      UPDATE inventory.gpu SET deleted_at = clock_timestamp() WHERE id = ANY(${ids}::uuid[])
    )
    UPDATE inventory.gpu_state s SET deleted_at = clock_timestamp(), version = version + 1,
           updated_at = inventory.moment_after(updated_at)
     WHERE s.gpu_id = ANY(${ids}::uuid[]) RETURNING s.gpu_id, s.root_gpu_id, s.node_id, s.provider_id, s.version, s.blocks`);
  await tx.record(
    ...deleted.map(({ gpuId, version, nodeId, providerId }) => ({
      type: 'gpu.deleted',
      subject: { type: 'gpu', id: gpuId },
      version,
      nodeId,
      providerId,
    })),
  );
  tx.invalidate('gpus', ...deleted.map(({ gpuId }) => `gpu:${gpuId}`));
  await quarantineLeft(
    tx,
    family.filter(({ goes }) => !goes),
    deleted,
  );
  return deleted;
}

/** Physical GPUs that stay, of which a partition went unclean: nobody can be asked any more to clean what is left on them. */
async function quarantineLeft(
  tx: Transaction,
  stay: readonly LockedGpu[],
  deleted: readonly DeletedGpu[],
): Promise<void> {
  const unclean = deleted.filter(({ blocks }) => (blocks & maskOf('gpu_cleaning', 'gpu_quarantined')) !== 0);
  const roots = new Set(unclean.map(({ rootGpuId }) => rootGpuId));
  for (const { gpuId: id, nodeId, providerId } of stay) {
    if (!roots.has(id)) continue;
    // As it is now that the partition is gone.
    const { blocks } = (await tx.row<{ blocks: number }>(sql`/* inventory:gates_of_whole */
      SELECT s.blocks FROM inventory.gpu_state s WHERE s.gpu_id = ${id}`)) as { blocks: number };
    await quarantine(tx, { type: 'gpu', id, nodeId, providerId, blocks }, 'partition_deleted_unclean');
  }
}

/**
 * A node that is gone is listened for no longer, and what incident it had is over. Where the breaker held it back it is
 * counted there no more: else it would seem to be heard again, and prove that the silence of the others is theirs.
 */
export async function forgetSigns(tx: Transaction, nodeIds: readonly string[]): Promise<void> {
  await tx.execute(sql`/* inventory:forget_held */
    UPDATE inventory.breaker_trip t SET nodes = t.nodes - held.n
      FROM (SELECT breaker_id, count(*)::integer AS n FROM inventory.node_heartbeat
             WHERE node_id = ANY(${nodeIds}::uuid[]) AND breaker_id IS NOT NULL GROUP BY 1) AS held
     WHERE t.id = held.breaker_id`);
  await tx.execute(sql`/* inventory:forget_signs */
    WITH over AS (
      UPDATE inventory.incident SET ended_at = greatest(clock_timestamp(), started_at)
       WHERE node_id = ANY(${nodeIds}::uuid[]) AND ended_at IS NULL
    )
    DELETE FROM inventory.node_heartbeat WHERE node_id = ANY(${nodeIds}::uuid[])`);
}

async function liveAllocations(tx: Transaction, gpuIds: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ allocationId: string }>(sql`/* inventory:live_allocations */
    SELECT DISTINCT l.allocation_id FROM inventory.allocation_gpu l
     WHERE l.gpu_id = ANY(${gpuIds}::uuid[]) AND l.released_at IS NULL`);
  return rows.map(({ allocationId }) => allocationId);
}
