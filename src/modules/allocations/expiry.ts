import sql, { type Sql } from 'sql-template-tag';
import type { Database } from '../../kernel/db/database.ts';
import { type Step, step } from './transition.ts';
import { deadlineOf, dueReasonOf, isDue } from './view.ts';

/** Allocations that one statement ends: a short transaction, whatever piled up. */
const batch = 200;

const expire = (which: Sql, patience: Step['patience']): Step => ({
  action: 'expire',
  which,
  when: isDue(sql`a.at`),
  set: sql`released_at = ${deadlineOf(sql`f`)}, end_reason = ${dueReasonOf(sql`f`)}`,
  events: { allocation: 'expired', gpu: 'released', reason: null },
  patience,
});

/** Holds and durations past their deadlines, the longest overdue first; two partial indexes find them. */
const due = sql`a.id IN (
  (SELECT id FROM inventory.allocation WHERE state = 'held' AND held_until <= clock_timestamp()
    ORDER BY held_until LIMIT ${batch})
  UNION ALL
  (SELECT id FROM inventory.allocation WHERE state = 'active' AND expires_at <= clock_timestamp()
    ORDER BY expires_at LIMIT ${batch}))`;

/**
 * Ends what is due, by the database's clock. Any number of replicas may sweep at once: each ends what the others have
 * not locked, and each allocation once, since the step looks at the locked row.
 */
export class Expiry {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Ends everything that is due and that nobody else is busy with; returns how many. */
  async sweep(): Promise<number> {
    let total = 0;
    for (let ended = await this.#end(due, 'skip'); ended > 0; ended = await this.#end(due, 'skip'))
      total += ended;
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

  async #end(which: Sql, patience: Step['patience']): Promise<number> {
    const met = await this.#db.write({ worker: 'allocations.expiry' }, (tx) =>
      step(tx, expire(which, patience)),
    );
    return met.filter(({ applied }) => applied).length;
  }
}
