import sql, { type Sql } from 'sql-template-tag';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { inUse } from './errors.ts';

interface DeletedGpu {
  gpuId: string;
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
  const locked = await tx.rows<{ gpuId: string; usedUnits: number }>(sql`/* inventory:lock_gpus_to_delete */
    SELECT s.gpu_id, s.used_units FROM inventory.gpu_state s
     WHERE ${owner} AND s.deleted_at IS NULL ORDER BY s.gpu_id FOR NO KEY UPDATE`);
  const used = locked.filter(({ usedUnits }) => usedUnits > 0).map(({ gpuId }) => gpuId);
  if (used.length > 0) throw inUse(resource, await liveAllocations(tx, used));
  const ids = locked.map(({ gpuId }) => gpuId);
  const deleted = await tx.rows<DeletedGpu>(sql`/* inventory:delete_gpus */
    WITH identity AS (
      UPDATE inventory.gpu SET deleted_at = clock_timestamp() WHERE id = ANY(${ids}::uuid[])
    )
    UPDATE inventory.gpu_state s SET deleted_at = clock_timestamp(), version = version + 1,
           updated_at = inventory.moment_after(updated_at)
     WHERE s.gpu_id = ANY(${ids}::uuid[]) RETURNING s.gpu_id, s.node_id, s.provider_id, s.version`);
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
  return deleted;
}

/** A node that is gone is listened for no longer, and what incident it had is over. */
export async function forgetSigns(tx: Transaction, nodeIds: readonly string[]): Promise<void> {
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
