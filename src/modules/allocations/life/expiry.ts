import sql, { type Sql } from 'sql-template-tag';
import type { Database } from '../../../kernel/db/database.ts';
import { deadlineOf, dueReasonOf, isDue } from '../view.ts';
import { type Patience, type Step, step } from './transition.ts';

/** What one statement ends at most: a short transaction, whatever piled up. */
const batch = { allocations: 100, gpus: 1000 };

const expire = (which: Sql, patience: Patience): Step => ({
  action: 'expire',
  which,
  when: isDue(sql`a.at`),
  set: sql`released_at = ${deadlineOf(sql`f`)}, end_reason = ${dueReasonOf(sql`f`)}`,
  events: { allocation: 'expired', gpu: 'released', reason: null },
  patience,
});

const overdue = (state: Sql, deadline: Sql): Sql => sql`(
  SELECT o.id, o.${deadline} AS deadline,
         (SELECT count(*) FROM inventory.allocation_gpu l WHERE l.allocation_id = o.id) AS gpus
    FROM inventory.allocation o WHERE o.state = ${state} AND o.${deadline} <= clock_timestamp()
   ORDER BY o.${deadline} LIMIT ${batch.allocations})`;

/** Holds and durations past their deadlines, the longest overdue first, up to so many GPUs; by two partial indexes. */
const due = sql`a.id IN (
  SELECT id FROM (
    SELECT d.id, sum(d.gpus) OVER (ORDER BY d.deadline, d.id) - d.gpus AS ahead
      FROM (${overdue(sql`'held'`, sql`held_until`)} UNION ALL ${overdue(sql`'active'`, sql`expires_at`)}) d) q
   WHERE ahead < ${batch.gpus})`;

/**
 * Ends what is due, by the database's clock. Any number of replicas may sweep at once: each ends what the others have
 * not locked, and each allocation once, since the step looks at the locked row.
 */
export class Expiry {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Ends everything that is due, by default but for what somebody else is busy with; returns how many. */
  async sweep(patience: Patience = 'skip'): Promise<number> {
    let total = 0;
    let ended: number;
    do {
      ended = await this.#end(due, patience);
      total += ended;
    } while (ended > 0);
    return total;
  }

  /** Ends the holds on these GPUs that are due, waiting for whoever else is at it: a claim wants them now. */
  endHoldsOn(gpuIds: readonly string[]): Promise<number> {
    return this.#end(
      sql`a.id IN (SELECT l.allocation_id FROM inventory.allocation_gpu l
                    WHERE l.gpu_id = ANY(${gpuIds}::uuid[]) AND l.released_at IS NULL
                      AND l.held_until <= clock_timestamp())`,
      'wait',
    );
  }

  /** Ends what is due of a tenant that wants more than its quotas leave. */
  endDueOf(tenantId: string): Promise<number> {
    return this.#end(
      sql`a.tenant_id = ${tenantId}::uuid AND a.released_at IS NULL AND ${isDue(sql`clock_timestamp()`)}`,
      'wait',
    );
  }

  async #end(which: Sql, patience: Patience): Promise<number> {
    const met = await this.#db.write({ worker: 'allocations.expiry' }, (tx) =>
      step(tx, expire(which, patience)),
    );
    return met.filter(({ applied }) => applied).length;
  }
}
