import sql from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import type { SchedulingPolicy } from '../../inventory/index.ts';
import { type Claim, type ClaimOutcome, claimColumns, judged } from '../claims/claim.ts';
import { metOf } from '../claims/named-gpus.ts';
import { ledger, verdict } from '../claims/take.ts';
import { type CleaningPolicy, shutGates } from '../cleaning/gate.ts';

/** A GPU that a move concerns, as it is under lock. */
export interface LockedGpu {
  gpuId: string;
  nodeId: string;
  providerId: string;
  version: number;
  usedUnits: number;
  activeUnits: number;
}

/**
 * Locks what an allocation has and what it wants, each with the physical GPU that is charged, in the order of the ids: moves
 * that cross queue up behind each other.
 */
export async function lockToMove(
  tx: Transaction,
  id: string,
  wanted: readonly string[],
): Promise<Map<string, LockedGpu>> {
  const rows = await tx.rows<LockedGpu>(sql`/* allocations:lock_to_move */
    SELECT s.gpu_id, s.node_id, s.provider_id, s.version, s.used_units, s.active_units FROM inventory.gpu_state s
     WHERE s.gpu_id IN (
       SELECT x.id FROM inventory.gpu_state g, LATERAL (VALUES (g.gpu_id), (g.root_gpu_id)) x(id)
        WHERE g.gpu_id = ANY(${wanted}::uuid[]) OR g.gpu_id IN (
          SELECT l.gpu_id FROM inventory.allocation a
            JOIN inventory.allocation_gpu l ON l.allocation_id = a.id AND l.released_at IS NULL
           WHERE a.id = ${id}::uuid))
     ORDER BY s.gpu_id FOR NO KEY UPDATE`);
  return new Map(rows.map((gpu) => [gpu.gpuId, gpu]));
}

/** Takes locked GPUs from an allocation; returns those that are to be cleaned. Their price and quota go with them. */
export async function giveBack(
  tx: Transaction,
  id: string,
  gpuIds: readonly string[],
  cleaning: CleaningPolicy,
): Promise<Set<string>> {
  const rows = await tx.rows<{ gpuId: string }>(sql`/* allocations:give_back */
    WITH fit AS (SELECT a.*, clock_timestamp() AS at FROM inventory.allocation a WHERE a.id = ${id}::uuid),
    gpu AS (SELECT s.gpu_id, s.node_id FROM inventory.gpu_state s WHERE s.gpu_id = ANY(${gpuIds}::uuid[])),
    booked AS (
      UPDATE inventory.allocation_gpu l SET released_at = greatest(f.at, l.created_at) FROM fit f
       WHERE l.allocation_id = f.id AND l.gpu_id = ANY(${gpuIds}::uuid[]) AND l.released_at IS NULL
      RETURNING l.allocation_id, l.gpu_id, false AS lives
    ), ${shutGates(cleaning)}
    SELECT gpu_id FROM dirty`);
  return new Set(rows.map(({ gpuId }) => gpuId));
}

/** Gives locked GPUs to an allocation, all of them or none; by the same judgement as a claim, quotas included. */
export async function takeMore(
  tx: Transaction,
  id: string,
  gpuIds: readonly string[],
  claim: Claim,
  policy: SchedulingPolicy,
): Promise<Omit<ClaimOutcome, 'allocation'> & { taken: boolean }> {
  const wanted = sql`s.gpu_id = ANY(${gpuIds}::uuid[])`;
  const row = await tx.row<{
    taken: number;
    found: string[] | null;
    refused: ClaimOutcome['refused'] | null;
  }>(sql`/* allocations:take_more */
    WITH locked AS MATERIALIZED (
      SELECT ${claimColumns} FROM inventory.gpu_state s
       WHERE s.gpu_id IN (SELECT x.id FROM inventory.gpu_state g, LATERAL (VALUES (g.gpu_id), (g.root_gpu_id)) x(id)
                           WHERE g.gpu_id = ANY(${gpuIds}::uuid[])) AND s.deleted_at IS NULL
       ORDER BY s.gpu_id FOR NO KEY UPDATE
    ), ${judged(claim, policy, wanted)}, chosen AS (SELECT * FROM judged), ${verdict(claim)},
    allocation AS (
      SELECT a.id, a.held_until, v.at AS created_at FROM inventory.allocation a, verdict v
       WHERE a.id = ${id}::uuid AND v.fits AND v.found = ${claim.count}
    ), ${ledger(claim)}
    SELECT (SELECT count(*) FROM ledger) AS taken${metOf(claim)}`);
  const { taken = 0, found, refused } = row ?? {};
  return { taken: taken === claim.count, possible: true, found: found ?? [], refused: refused ?? [] };
}
