import sql, { type Sql } from 'sql-template-tag';
import type { Database } from '../../../kernel/db/database.ts';
import { deadlineOf, dueReasonOf, isDue, isExpired, isInterrupted } from '../view.ts';
import { ended, type Patience, type Step, type TakeStep } from './transition.ts';

const worker = { worker: 'allocations.expiry' };

/** What one statement ends at most: a short transaction, whatever piled up. */
const batch = { allocations: 100, gpus: 1000 };

const expire = (which: Sql, patience: Patience): Step => ({
  action: 'expire',
  which,
  when: isExpired(sql`a.at`),
  set: ended(deadlineOf(sql`f`), dueReasonOf(sql`f`)),
  events: { allocation: 'expired', gpu: 'released', reason: null },
  patience,
  overdue: true,
});

/** Allocations past a deadline, the longest overdue first; `live` narrows them to a partial index. */
const overdue = (live: Sql, deadline: Sql): Sql => sql`(
  SELECT o.id, o.${deadline} AS deadline,
         (SELECT count(*) FROM inventory.allocation_gpu l WHERE l.allocation_id = o.id) AS gpus
    FROM inventory.allocation o WHERE ${live} AND o.${deadline} <= clock_timestamp()
   ORDER BY o.${deadline} LIMIT ${batch.allocations})`;

const someOverdue = (live: Sql, deadline: Sql): Sql =>
  sql`EXISTS (SELECT FROM inventory.allocation o WHERE ${live} AND o.${deadline} <= clock_timestamp())`;

/** The first of them, up to so many GPUs. */
const firstOf = (rows: Sql): Sql => sql`a.id IN (
  SELECT id FROM (
    SELECT d.id, sum(d.gpus) OVER (ORDER BY d.deadline, d.id) - d.gpus AS ahead FROM (${rows}) d) q
   WHERE ahead < ${batch.gpus})`;

const holds = [sql`o.state = 'held'`, sql`held_until`] as const;
const durations = [sql`o.state = 'active'`, sql`expires_at`] as const;
const interruptions = [sql`true`, sql`interrupt_at`] as const;

const due = firstOf(sql`${overdue(...holds)} UNION ALL ${overdue(...durations)}`);
const notBack = firstOf(overdue(...interruptions));
const anythingDue = sql`/* allocations:anything_due */
  SELECT ${someOverdue(...holds)} OR ${someOverdue(...durations)} OR ${someOverdue(...interruptions)} AS due`;

/** Ends those of which a GPU or node did not come back in time. */
const interrupt = (which: Sql, patience: Patience): Step => ({
  action: 'interrupt',
  which,
  when: isInterrupted(sql`a.at`),
  set: ended(deadlineOf(sql`f`), dueReasonOf(sql`f`)),
  events: { allocation: 'interrupted', gpu: 'released', reason: null },
  patience,
  overdue: true,
});

/**
 * Ends what is due, by the database's clock. Any number of replicas may sweep at once: each ends what the others have
 * not locked, and each allocation once, since the step looks at the locked row.
 */
export class Expiry {
  readonly #db: Database;
  readonly #step: TakeStep;

  constructor(db: Database, step: TakeStep) {
    this.#db = db;
    this.#step = step;
  }

  /** Ends everything that is due, by default but for what somebody else is busy with; returns how many. */
  async sweep(patience: Patience = 'skip'): Promise<number> {
    let total = 0;
    while (await this.#anythingDue()) {
      const ended =
        (await this.#end(expire(due, patience))) + (await this.#end(interrupt(notBack, patience)));
      if (ended === 0) break;
      total += ended;
    }
    return total;
  }

  /** By three partial indexes: far less than to look for something to end, several times a second. */
  async #anythingDue(): Promise<boolean> {
    const [found] = await this.#db.readAtOnce<{ due: boolean }>(worker, anythingDue);
    return found?.due ?? false;
  }

  /**
   * Ends the holds on these GPUs, on their partitions and on what they are partitions of that are due, waiting for
   * whoever else is at it: a claim wants them now.
   */
  endHoldsOn(gpuIds: readonly string[]): Promise<number> {
    const family = sql`
      SELECT unnest(${gpuIds}::uuid[])
       UNION SELECT p.root_gpu_id FROM inventory.gpu_state p WHERE p.gpu_id = ANY(${gpuIds}::uuid[])
       UNION SELECT p.gpu_id FROM inventory.gpu_state p
              WHERE p.root_gpu_id = ANY(${gpuIds}::uuid[]) AND p.root_gpu_id <> p.gpu_id AND p.deleted_at IS NULL`;
    const theirs = sql`a.id IN (SELECT l.allocation_id FROM inventory.allocation_gpu l
                                 WHERE l.gpu_id IN (${family}) AND l.released_at IS NULL
                                   AND l.held_until <= clock_timestamp())`;
    return this.#end(expire(theirs, 'wait'));
  }

  /** Ends what is due of a tenant that wants more than its quotas leave. */
  async endDueOf(tenantId: string): Promise<number> {
    const theirs = sql`a.tenant_id = ${tenantId}::uuid AND a.released_at IS NULL AND ${isDue(sql`clock_timestamp()`)}`;
    return (await this.#end(expire(theirs, 'wait'))) + (await this.#end(interrupt(theirs, 'wait')));
  }

  async #end(end: Step): Promise<number> {
    const met = await this.#db.writeAtOnce(worker, (tx) => this.#step(tx, end));
    return met.filter(({ applied }) => applied).length;
  }
}
