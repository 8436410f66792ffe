import sql, { type Sql } from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import type { DriftClass } from '../../../kernel/drift.ts';
import { recordVersions } from '../../../kernel/unrecorded-versions.ts';
import { endedNow, type TakeStep } from '../life/transition.ts';
import { lockGpus, recount, withRoots } from './ledger-sums.ts';

const batch = 200;

const live = sql`('held', 'active', 'releasing')`;

/** Allocations that live on paper alone: no GPU is theirs. */
const withoutGpus = sql`
  SELECT a.id FROM inventory.allocation a
   WHERE a.state IN ${live} AND NOT EXISTS (
     SELECT FROM inventory.allocation_gpu l WHERE l.allocation_id = a.id AND l.released_at IS NULL)`;

export const ghostAllocation = (step: TakeStep): DriftClass => ({
  name: 'ghost-allocation',
  rule: 'An allocation that lives has GPUs',
  find: sql`SELECT g.id::text AS subject, 'lives without a GPU' AS detail FROM (${withoutGpus}) g`,
  async repair(tx) {
    await step(tx, {
      action: 'interrupt',
      which: sql`a.id IN (${withoutGpus} LIMIT ${batch})`,
      set: endedNow(sql`'reconciled'`),
      events: { allocation: 'interrupted', gpu: null, reason: 'reconciled' },
      patience: 'wait',
    });
  },
});

/** Live rows of the ledger whose allocation has ended, or is gone: its foreign key holds only as long as triggers run. */
const ofTheDead = sql`
  SELECT l.allocation_id, l.gpu_id, l.root_gpu_id, coalesce(a.state, 'gone') AS state,
         coalesce(a.released_at, clock_timestamp()) AS released_at
    FROM inventory.allocation_gpu l LEFT JOIN inventory.allocation a ON a.id = l.allocation_id
   WHERE l.released_at IS NULL AND coalesce(a.state, 'gone') NOT IN ${live}`;

/**
 * Ends rows of the ledger that should not be there, one of each GPU at a time: the trigger takes from the counters what a
 * row gave back, so they must have it, whatever they say now, and they have room for one at least.
 */
async function endShares(tx: Transaction, wrong: Sql, end: (first: Sql) => Sql): Promise<void> {
  const locked = await lockGpus(tx, withRoots(sql`${wrong} LIMIT ${batch}`));
  const gpuIds = locked.map(({ gpuId }) => gpuId);
  await recount(tx, gpuIds);
  await tx.execute(
    end(sql`(SELECT DISTINCT ON (d.gpu_id) d.* FROM (${wrong}) d
              WHERE d.gpu_id = ANY(${gpuIds}::uuid[]) ORDER BY d.gpu_id, d.allocation_id)`),
  );
  await recordVersions(tx, 'gpu', gpuIds);
}

export const ghostShare: DriftClass = {
  name: 'ghost-share',
  rule: 'A GPU is in use by allocations that live',
  find: sql`SELECT d.gpu_id::text AS subject, format('in use by %s, which is %s', d.allocation_id, d.state) AS detail
              FROM (${ofTheDead}) d`,
  async repair(tx) {
    await endShares(
      tx,
      ofTheDead,
      (first) => sql`/* allocations:reconcile_release */
        UPDATE inventory.allocation_gpu l SET released_at = greatest(d.released_at, l.created_at) FROM ${first} d
         WHERE l.allocation_id = d.allocation_id AND l.gpu_id = d.gpu_id AND l.released_at IS NULL`,
    );
  },
};

/** Live rows of the ledger that say again what an earlier one says: the same GPU in the same allocation. */
const doubled = sql`
  SELECT r.* FROM (
    SELECT l.allocation_id, l.gpu_id, l.root_gpu_id, l.created_at,
           row_number() OVER (PARTITION BY l.allocation_id, l.gpu_id ORDER BY l.created_at) AS nth
      FROM inventory.allocation_gpu l WHERE l.released_at IS NULL) r
   WHERE r.nth > 1`;

export const doubledShare: DriftClass = {
  name: 'doubled-share',
  rule: 'An allocation has a GPU once at a time',
  find: sql`SELECT d.gpu_id::text AS subject, format('in %s again since %s', d.allocation_id, d.created_at) AS detail
              FROM (${doubled}) d`,
  async repair(tx) {
    await endShares(
      tx,
      doubled,
      (first) => sql`/* allocations:reconcile_doubled */
        DELETE FROM inventory.allocation_gpu l USING ${first} d
         WHERE l.allocation_id = d.allocation_id AND l.gpu_id = d.gpu_id AND l.created_at = d.created_at`,
    );
  },
};
