import sql, { type Sql } from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { reasonsOf } from '../../../kernel/gates.ts';
import type { SchedulingPolicy } from '../../inventory/index.ts';
import { gpuUnavailable, gpuUnknown, gpuUnschedulable } from '../errors.ts';
import { type Claim, type ClaimOutcome, claimColumns, judged } from './claim.ts';
import { take } from './take.ts';

/** The GPUs that exist, and what stood against those that the claim does not fit. */
export const metOf = ({ share }: Claim): Sql => sql`, (SELECT json_agg(c.gpu_id) FROM chosen c) AS found, (
  SELECT json_agg(json_build_object(
           'gpuId', c.gpu_id, 'gates', c.gates, 'due', coalesce(c.first_hold_until <= clock_timestamp(), false),
           'taken', c.gates = 0 OR c.used_units + ${share}::integer > c.total_units))
    FROM chosen c WHERE NOT c.fits) AS refused`;

/**
 * Claims exactly these GPUs, waiting for whoever has them locked; they are locked in the order of their ids, with the
 * physical GPUs of partitions, so that claims which overlap queue up instead of deadlocking.
 */
export function claimGpus(
  tx: Transaction,
  gpuIds: readonly string[],
  claim: Claim,
  policy: SchedulingPolicy,
): Promise<ClaimOutcome> {
  const wanted = sql`${gpuIds}::uuid[]`;
  const roots = sql`ARRAY(SELECT c.root_gpu_id FROM inventory.gpu_state c
                           WHERE c.gpu_id = ANY(${wanted}) AND c.root_gpu_id <> c.gpu_id)`;
  return take(tx, claim, {
    possible: sql`true`,
    met: metOf(claim),
    ctes: sql`locked AS MATERIALIZED (
      SELECT ${claimColumns} FROM inventory.gpu_state s
       WHERE s.gpu_id = ANY(${wanted} || ${roots}) AND s.deleted_at IS NULL
       ORDER BY s.gpu_id FOR NO KEY UPDATE
    ), ${judged(claim, policy, sql`s.gpu_id = ANY(${wanted})`)}, chosen AS (SELECT * FROM judged)`,
  });
}

/**
 * Why a claim on named GPUs was not served. An unknown GPU outweighs a taken one, that one reasons against others.
 *
 * @throws 404 `gpu.not_found`, 409 `gpu.unavailable`, 409 `gpu.unschedulable`, each naming the GPUs.
 */
export function refuse(gpuIds: readonly string[], { found, refused }: ClaimOutcome): never {
  const known = new Set(found);
  const unknown = gpuIds.filter((id) => !known.has(id));
  if (unknown.length > 0) throw gpuUnknown(unknown);
  const taken = refused.filter((gpu) => gpu.taken).map(({ gpuId }) => gpuId);
  if (taken.length > 0) throw gpuUnavailable(taken);
  throw gpuUnschedulable(refused.map(({ gpuId, gates }) => ({ gpuId, reasons: reasonsOf(gates) })));
}
