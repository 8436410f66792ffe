import sql from 'sql-template-tag';
import type { DriftClass } from '../../../kernel/drift.ts';
import { recordVersions } from '../../../kernel/unrecorded-versions.ts';
import { ledgerSums, lockGpus, recount } from './ledger-sums.ts';

const batch = 500;

const stale = sql`
  SELECT s.gpu_id, s.used_units, s.active_units, s.total_units, coalesce(l.used, 0) AS used, coalesce(l.active, 0) AS active
    FROM inventory.gpu_state s LEFT JOIN ${ledgerSums} l ON l.gpu_id = s.gpu_id
   WHERE (s.used_units, s.active_units, s.partition_units, s.partition_memory_units, s.held_until) IS DISTINCT FROM
         (coalesce(l.used, 0), coalesce(l.active, 0), coalesce(l.part, 0), coalesce(l.part_memory, 0), l.held_until)`;

export const staleCounter: DriftClass = {
  name: 'stale-share-counter',
  rule: 'What a GPU shows as in use, and until when it is held, is what the ledger adds up to',
  find: sql`SELECT t.gpu_id::text AS subject,
                   format('%s used and %s active of %s; ledger %s and %s', t.used_units, t.active_units, t.total_units,
                          t.used, t.active) AS detail
              FROM (${stale}) t`,
  async repair(tx) {
    const gpuIds = (await lockGpus(tx, sql`SELECT t.gpu_id FROM (${stale} LIMIT ${batch}) t`)).map(
      (gpu) => gpu.gpuId,
    );
    await recount(tx, gpuIds);
    await recordVersions(tx, 'gpu', gpuIds);
  },
};

/** What each tenant with quotas uses by the ledger, where that is not what is counted, or nobody counts. */
const counted = sql`
  SELECT t.id AS tenant_id, u.gpu_units, l.*, (u.max_gpu_units, u.max_memory_mb, u.max_held_units, u.max_price_per_hour_nano_usd)
         IS DISTINCT FROM (q.gpus, q.memory, q.held, q.price) AS unstated
    FROM inventory.tenant t LEFT JOIN inventory.tenant_usage u ON u.tenant_id = t.id, LATERAL (
      SELECT (t.quotas ->> 'maxGpus')::bigint * 1000 AS gpus, (t.quotas ->> 'maxMemoryMb')::bigint AS memory,
             (t.quotas ->> 'maxHeldGpus')::bigint * 1000 AS held, (t.quotas ->> 'maxPricePerHourNanoUsd')::numeric AS price
    ) q, LATERAL (
      SELECT coalesce(sum(l.root_units), 0) AS gpus, coalesce(sum(l.memory_mb), 0) AS memory,
             coalesce(sum(l.root_units) FILTER (WHERE l.held_until IS NOT NULL), 0) AS held,
             coalesce(sum(l.price_per_hour_nano_usd), 0) AS price
        FROM inventory.allocation a JOIN inventory.allocation_gpu l ON l.allocation_id = a.id
       WHERE a.tenant_id = t.id AND l.released_at IS NULL) l
   WHERE (u.tenant_id IS NOT NULL OR num_nonnulls(q.gpus, q.memory, q.held, q.price) > 0)
     AND ((u.gpu_units, u.memory_mb, u.held_units, u.price_per_hour_nano_usd)
          IS DISTINCT FROM (l.gpus, l.memory, l.held, l.price)
      OR (u.max_gpu_units, u.max_memory_mb, u.max_held_units, u.max_price_per_hour_nano_usd)
         IS DISTINCT FROM (q.gpus, q.memory, q.held, q.price))`;

export const staleQuota: DriftClass = {
  name: 'stale-quota-counter',
  rule: 'The quotas of a tenant are those that are counted, and what is counted is what the ledger adds up to',
  find: sql`SELECT c.tenant_id::text AS subject,
                   format('%s thousandths counted, ledger %s', coalesce(c.gpu_units::text, 'nothing'), c.gpus) AS detail
              FROM (${counted}) c`,
  async repair(tx) {
    // Stated anew, they are applied and counted by the trigger that does so for a PATCH.
    await tx.execute(sql`/* allocations:reconcile_state_quotas */
      UPDATE inventory.tenant t SET quotas = t.quotas
        FROM (SELECT c.tenant_id FROM (${counted}) c WHERE c.unstated LIMIT ${batch}) c WHERE t.id = c.tenant_id`);
    // A claim touches this row last: once it is locked, what it is to count stands still.
    await tx.execute(sql`/* allocations:reconcile_lock_quotas */
      SELECT FROM inventory.tenant_usage u WHERE u.tenant_id IN (SELECT c.tenant_id FROM (${counted} LIMIT ${batch}) c)
       ORDER BY u.tenant_id FOR NO KEY UPDATE`);
    await tx.execute(sql`/* allocations:reconcile_quotas */
      UPDATE inventory.tenant_usage u
         SET gpu_units = c.gpus, memory_mb = c.memory, held_units = c.held, price_per_hour_nano_usd = c.price
        FROM (${counted} LIMIT ${batch}) c WHERE u.tenant_id = c.tenant_id`);
  },
};
