import sql from 'sql-template-tag';
import type { Database } from './db/database.ts';
import { ensurePartitionsAhead, type Series } from './partitions.ts';
import { runRetention } from './retention.ts';
import type { Worker } from './worker.ts';

const hourMs = 3_600_000;

/**
 * Work of the service's own. Replies are kept for 24 hours and pruned in small bites that hold up nobody; time series
 * get their partitions ahead of time and lose them by it.
 */
export const housekeeping = (db: Database, series: readonly Series[]): readonly Worker[] => [
  {
    name: 'core.partitions',
    intervalMs: hourMs,
    run: async () => {
      for (const one of series) await ensurePartitionsAhead(db, one);
    },
  },
  {
    name: 'core.retention',
    intervalMs: hourMs,
    run: async () => void (await runRetention(db, series)),
  },
  {
    name: 'core.prune_idempotency_keys',
    intervalMs: 60_000,
    run: async () => {
      await db.execute(sql`/* core:prune_idempotency_keys */
        DELETE FROM inventory.idempotency_key WHERE id IN (
          SELECT id FROM inventory.idempotency_key WHERE created_at < clock_timestamp() - interval '24 hours'
           ORDER BY created_at LIMIT 5000 FOR UPDATE SKIP LOCKED)`);
    },
  },
];
