import { randomUUID } from 'node:crypto';
import type pg from 'pg';

/**
 * An active allocation of whole GPUs, written straight into the tables with the change row that the ledger's version
 * step wants. Returns its id.
 */
export async function allocateRows(owner: pg.Pool, gpuIds: readonly string[]): Promise<string> {
  const [tenantId, allocationId] = [randomUUID(), randomUUID()];
  await owner.query(`INSERT INTO inventory.tenant (id, name) VALUES ($1, 'Rows')`, [tenantId]);
  await owner.query(`INSERT INTO inventory.allocation (id, tenant_id, state) VALUES ($1, $2, 'active')`, [
    allocationId,
    tenantId,
  ]);
  await owner.query(
    `INSERT INTO inventory.allocation_gpu (allocation_id, gpu_id, root_gpu_id, node_id, provider_id, units, root_units, exclusive)
     SELECT $1, s.gpu_id, s.root_gpu_id, s.node_id, s.provider_id, 1000, 1000, true
       FROM inventory.gpu_state s WHERE s.gpu_id = ANY($2::uuid[])`,
    [allocationId, gpuIds],
  );
  await owner.query(
    `INSERT INTO inventory.change (type, subject_type, subject_id, version, actor_type)
     SELECT 'tenant.created', 'tenant', $1::text, 1, 'test'
     UNION ALL SELECT 'allocation.created', 'allocation', $2::text, 1, 'test'
     UNION ALL SELECT 'gpu.allocated', 'gpu', s.gpu_id::text, s.version, 'test'
       FROM inventory.gpu_state s WHERE s.gpu_id = ANY($3::uuid[])`,
    [tenantId, allocationId, gpuIds],
  );
  return allocationId;
}
