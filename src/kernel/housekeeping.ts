import sql from 'sql-template-tag';
import type { Database } from './db/database.ts';
import type { Worker } from './worker.ts';

/** Replies are kept for 24 hours; they are pruned in small bites that hold up nobody. */
export const housekeeping = (db: Database): readonly Worker[] => [
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
