import sql, { empty, type Sql } from 'sql-template-tag';
import type { Actor } from '../../kernel/db/changes.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import type { AllocationView } from './view.ts';

/** What happened to allocations, and what their GPUs show of it (null: nothing). */
export interface Events {
  allocation:
    | 'created'
    | 'confirmed'
    | 'extended'
    | 'released'
    | 'expired'
    | 'interrupted'
    | 'impaired'
    | 'recovered';
  gpu: 'held' | 'allocated' | 'released' | null;
  reason: string | null;
}

/** The GPU of a ledger row that was written, with the version that this made. */
export interface TouchedGpu {
  gpuId: string;
  nodeId: string;
  providerId: string;
  version: number;
}

/** An allocation as a statement of this module returns it. */
export type Written = AllocationView & { touched: TouchedGpu[] | null };

/** What a GPU shows of the ledger. */
const shown = (used: Sql, active: Sql, dirty: Sql): Sql =>
  sql`CASE WHEN ${active} > 0 THEN 'allocated' WHEN ${dirty} THEN 'cleaning' WHEN ${used} > 0 THEN 'held' ELSE 'free' END`;

/** A change row for each share in `touched`. */
const gpuChanges = (
  { type, id, requestId }: Actor,
  event: string,
  reason: string | null,
): Sql => sql`UNION ALL
  SELECT ${`gpu.${event}`}, 'gpu', t.gpu_id::text, t.version, ${type}, ${id}, ${requestId}, ${reason},
         jsonb_build_object(
           'before', jsonb_build_object('allocationState', ${shown(sql`t.used_units`, sql`t.active_units`, sql`false`)}),
           'after', jsonb_build_object('allocationId', t.allocation_id, 'allocationState',
             ${shown(sql`t.used_units + t.used_step`, sql`t.active_units + t.active_step`, sql`t.dirty`)})),
         t.provider_id, t.node_id, t.tenant_id
    FROM touched t`;

/**
 * The CTE `changed`: a change row for each allocation in `written` (id, tenant_id, version, diff) and for each share in
 * `touched` (allocation_id, tenant_id, gpu_id, node_id, provider_id, version; used_units and active_units of the GPU
 * before, used_step and active_step; `dirty` where it is to be cleaned). It stands in the statement that makes the versions: that saves a round trip.
 */
export const changed = (actor: Actor, { allocation, gpu, reason }: Events): Sql => sql`changed AS (
  INSERT INTO inventory.change (type, subject_type, subject_id, version, actor_type, actor_id, request_id, reason, diff,
                                provider_id, node_id, tenant_id)
  SELECT ${`allocation.${allocation}`}, 'allocation', w.id::text, w.version,
         ${actor.type}, ${actor.id}, ${actor.requestId}, ${reason}, w.diff, NULL::uuid, NULL::uuid, w.tenant_id
    FROM written w
  ${gpu === null ? empty : gpuChanges(actor, gpu, reason)}
)`;

/** The rows of `touched` of one allocation, for `announce`; over `allocation a`. */
export const touchedOf = sql`(
  SELECT json_agg(json_build_object('gpuId', t.gpu_id, 'nodeId', t.node_id, 'providerId', t.provider_id,
                                    'version', t.version))
    FROM touched t WHERE t.allocation_id = a.id)`;

/** Tells those who listen, after the commit, of changes that a statement has recorded itself. */
export function announce(
  tx: Transaction,
  { allocation, gpu }: Events,
  written: readonly Pick<Written, 'id' | 'tenantId' | 'version' | 'touched'>[],
): void {
  for (const { id, tenantId, version, touched } of written) {
    tx.changes.push({
      type: `allocation.${allocation}`,
      subject: { type: 'allocation', id },
      version,
      tenantId,
    });
    tx.invalidate('allocations', `allocation:${id}`);
    for (const { gpuId, nodeId, providerId, version: gpuVersion } of (gpu && touched) ?? []) {
      const subject = { type: 'gpu', id: gpuId };
      tx.changes.push({ type: `gpu.${gpu}`, subject, version: gpuVersion, nodeId, providerId, tenantId });
      tx.invalidate('gpus', `gpu:${gpuId}`, `provider:${providerId}`);
    }
  }
}

/** The allocation alone, without what only `announce` needs. */
export const toView = ({ touched: _, ...allocation }: Written): AllocationView => allocation;
