import sql from 'sql-template-tag';
import type { DriftClass } from '../../../kernel/drift.ts';
import { recordVersions } from '../../../kernel/unrecorded-versions.ts';
import { lockGpus, recount, withRoots } from './ledger-sums.ts';

const batch = 200;

/** Live rows of the ledger that are held until another moment than their allocation is, or for good where it is not. */
const astray = sql`
  SELECT l.allocation_id, l.gpu_id, l.root_gpu_id, l.held_until, a.held_until AS right_one FROM inventory.allocation_gpu l
    JOIN inventory.allocation a ON a.id = l.allocation_id
   WHERE l.released_at IS NULL AND a.state IN ('held', 'active') AND l.held_until IS DISTINCT FROM a.held_until`;

export const staleHold: DriftClass = {
  name: 'stale-hold',
  rule: 'A GPU is held until its allocation is, and no longer once that is confirmed',
  find: sql`SELECT s.gpu_id::text AS subject,
                   format('held until %s, its allocation %s', s.held_until, s.right_one) AS detail FROM (${astray}) s`,
  async repair(tx) {
    const locked = await lockGpus(tx, withRoots(sql`${astray} LIMIT ${batch}`));
    const gpuIds = locked.map(({ gpuId }) => gpuId);
    await recount(tx, gpuIds);
    await tx.execute(sql`/* allocations:reconcile_holds */
      UPDATE inventory.allocation_gpu l SET held_until = s.right_one
        FROM (SELECT DISTINCT ON (s.gpu_id) s.* FROM (${astray}) s
               WHERE s.gpu_id = ANY(${gpuIds}::uuid[]) ORDER BY s.gpu_id, s.allocation_id) s
       WHERE l.allocation_id = s.allocation_id AND l.gpu_id = s.gpu_id AND l.released_at IS NULL`);
    await recordVersions(tx, 'gpu', gpuIds);
  },
};
