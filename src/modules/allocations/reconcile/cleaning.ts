import sql, { raw } from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import type { DriftClass } from '../../../kernel/drift.ts';
import { gates } from '../../../kernel/gates.ts';
import { recordVersions } from '../../../kernel/unrecorded-versions.ts';
import type { CleaningPolicy } from '../cleaning/gate.ts';
import { lockGpus, withRoots } from './ledger-sums.ts';

const batch = 200;

const bit = raw(String(gates.gpu_cleaning));
const isShut = sql`s.blocks & ${bit} <> 0`;
const hasLeftovers = sql`EXISTS (SELECT FROM inventory.gpu_cleaning c WHERE c.gpu_id = s.gpu_id)`;

/** That somebody has cleaned a GPU, has given that up or has vouched for it. */
const settling = sql`('gpu.cleaned', 'gpu.quarantined', 'gpu.quarantine_cleared')`;

/**
 * GPUs that were used where cleaning is asked for, with their last use, after which nothing was cleaned and nothing is going
 * to be. Those that were used before it was asked for are among them.
 */
const uncleaned = ({ required }: CleaningPolicy) => sql`
  SELECT s.gpu_id, s.root_gpu_id, u.allocation_id, u.released_at
    FROM inventory.gpu_state s JOIN inventory.node n ON n.id = s.node_id
    CROSS JOIN LATERAL (
      SELECT l.allocation_id, l.released_at
        FROM inventory.allocation_gpu l JOIN inventory.allocation a ON a.id = l.allocation_id
       WHERE l.gpu_id = s.gpu_id AND l.released_at >= a.activated_at ORDER BY l.released_at DESC LIMIT 1) u
   WHERE s.deleted_at IS NULL AND s.blocks & ${raw(String(gates.gpu_quarantined))} = 0
     AND coalesce(n.cleaning_required, ${raw(String(required))}) AND NOT ${hasLeftovers}
     AND NOT EXISTS (SELECT FROM inventory.change c WHERE c.subject_type = 'gpu' AND c.subject_id = s.gpu_id::text
                        AND c.type IN ${settling} AND c.at > u.released_at)`;

/** Gives locked GPUs the gate that goes with what is left on them, as a version of its own. */
async function setGates(tx: Transaction, gpuIds: readonly string[]): Promise<void> {
  await tx.execute(sql`/* allocations:reconcile_cleaning_gates */
    UPDATE inventory.gpu_state s
       SET blocks = CASE WHEN ${hasLeftovers} THEN s.blocks | ${bit} ELSE s.blocks & ~${bit} END,
           version = s.version + 1, updated_at = inventory.moment_after(s.updated_at)
     WHERE s.gpu_id = ANY(${gpuIds}::uuid[]) AND (${isShut}) <> ${hasLeftovers}`);
  await recordVersions(tx, 'gpu', gpuIds);
  tx.invalidate('gpus', ...gpuIds.map((id) => `gpu:${id}`));
}

const idsOf = (gpus: readonly { gpuId: string }[]): string[] => gpus.map(({ gpuId }) => gpuId);

export const missedCleaning = (policy: CleaningPolicy): DriftClass => ({
  name: 'missed-cleaning',
  rule: 'Where cleaning is asked for, a GPU that was used was cleaned, or waits for it',
  find: sql`SELECT u.gpu_id::text AS subject, format('used by %s until %s', u.allocation_id, u.released_at) AS detail
              FROM (${uncleaned(policy)}) u`,
  async repair(tx) {
    const gpuIds = idsOf(await lockGpus(tx, withRoots(sql`${uncleaned(policy)} LIMIT ${batch}`)));
    await tx.execute(sql`/* allocations:reconcile_missed_cleaning */
      INSERT INTO inventory.gpu_cleaning (gpu_id, allocation_id, since, deadline_at)
      SELECT u.gpu_id, u.allocation_id, m.at, m.at + make_interval(secs => ${policy.timeoutS}::integer)
        FROM (${uncleaned(policy)}) u, (SELECT clock_timestamp() AS at) m WHERE u.gpu_id = ANY(${gpuIds}::uuid[])`);
    await setGates(tx, gpuIds);
  },
});

const misgated = sql`
  SELECT s.gpu_id, s.root_gpu_id, ${isShut} AS shut FROM inventory.gpu_state s
   WHERE s.deleted_at IS NULL AND (${isShut}) <> ${hasLeftovers}`;

export const staleCleaning: DriftClass = {
  name: 'stale-cleaning-gate',
  rule: 'A GPU waits for its cleaning while there is something to clean on it, and no longer',
  find: sql`SELECT m.gpu_id::text AS subject,
                   CASE WHEN m.shut THEN 'waits, and nothing is left on it' ELSE 'is open, with leftovers on it' END AS detail
              FROM (${misgated}) m`,
  repair: async (tx) => setGates(tx, idsOf(await lockGpus(tx, withRoots(sql`${misgated} LIMIT ${batch}`)))),
};
