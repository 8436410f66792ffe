import sql from 'sql-template-tag';
import type { DriftClass } from '../../../kernel/drift.ts';
import { recordVersions } from '../../../kernel/unrecorded-versions.ts';
import { endedNow, type TakeStep } from '../life/transition.ts';
import { ledgerSums, lockGpus, recount, withRoots } from './ledger-sums.ts';

const batch = 200;

/** GPUs of which more is given out than there is, or which are given out as such and through partitions at once. */
const overused = sql`
  SELECT s.gpu_id, l.used, s.total_units, l.part > 0 AND l.used > l.part AS both_ways
    FROM inventory.gpu_state s JOIN ${ledgerSums} l ON l.gpu_id = s.gpu_id
   WHERE l.used > s.total_units OR l.part_memory > s.total_units OR (l.part > 0 AND l.used > l.part)`;

/** Of each such GPU the allocation that came last: whoever was first keeps it, but for partitions, which give way. */
const latecomers = sql`
  SELECT DISTINCT ON (o.gpu_id) l.allocation_id FROM (${overused} LIMIT ${batch}) o
    JOIN inventory.allocation_gpu l ON (l.gpu_id = o.gpu_id OR l.root_gpu_id = o.gpu_id) AND l.released_at IS NULL
     AND NOT (o.both_ways AND l.gpu_id = o.gpu_id)
   ORDER BY o.gpu_id, l.created_at DESC, l.allocation_id DESC`;

export const doubleUse = (step: TakeStep): DriftClass => ({
  name: 'double-hold',
  rule: 'No more of a GPU is given out than there is',
  find: sql`SELECT o.gpu_id::text AS subject, format('%s of %s units given out', o.used, o.total_units) AS detail
              FROM (${overused}) o`,
  async repair(tx) {
    const rows = sql`SELECT * FROM inventory.allocation_gpu l
                      WHERE l.allocation_id IN (${latecomers}) AND l.released_at IS NULL`;
    const gpuIds = (await lockGpus(tx, withRoots(rows))).map(({ gpuId }) => gpuId);
    await recount(tx, gpuIds);
    await recordVersions(tx, 'gpu', gpuIds);
    await step(tx, {
      action: 'interrupt',
      which: sql`a.id IN (${latecomers})`,
      set: endedNow(sql`'reconciled'`),
      events: { allocation: 'interrupted', gpu: 'released', reason: 'reconciled' },
      patience: 'wait',
    });
  },
});
