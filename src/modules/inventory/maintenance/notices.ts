import type { Change } from '../../../kernel/db/changes.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { newId } from '../../../kernel/ids.ts';
import type { InventoryPorts, LiveAllocation } from '../ports.ts';
import type { MaintenanceWindow } from './schemas.ts';

/**
 * Tells each tenant that uses any of these GPUs: one `maintenance_notice` a tenant, an object that is its event and
 * nothing more, since the window itself belongs to somebody else. Their GPUs' rows are locked: who claims one later
 * sees the window on the GPU.
 */
export async function notify(
  tx: Transaction,
  { liveAllocations }: Pick<InventoryPorts, 'liveAllocations'>,
  window: MaintenanceWindow,
  verb: 'announced' | 'changed' | 'cancelled',
  usedGpuIds: readonly string[],
): Promise<void> {
  if (usedGpuIds.length === 0) return;
  const live = await liveAllocations(tx, usedGpuIds);
  await tx.record(...[...byTenant(live)].map((concerned) => noticeOf(window, verb, ...concerned)));
}

function byTenant(live: readonly LiveAllocation[]): Map<string, LiveAllocation[]> {
  const tenants = new Map<string, LiveAllocation[]>();
  for (const row of live) tenants.set(row.tenantId, [...(tenants.get(row.tenantId) ?? []), row]);
  return tenants;
}

function noticeOf(
  { id, providerId, nodeId, kind, reason, startsAt, endsAt }: MaintenanceWindow,
  verb: string,
  tenantId: string,
  live: readonly LiveAllocation[],
): Change {
  const allocationIds = [...new Set(live.map(({ allocationId }) => allocationId))];
  const gpuIds = [...new Set(live.map(({ gpuId }) => gpuId))];
  return {
    type: `maintenance_notice.${verb}`,
    subject: { type: 'maintenance_notice', id: newId() },
    version: 1,
    diff: { after: { windowId: id, kind, startsAt, endsAt, allocationIds, gpuIds } },
    reason,
    providerId,
    nodeId,
    tenantId,
  };
}
