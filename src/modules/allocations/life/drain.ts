import sql from 'sql-template-tag';
import type { Database } from '../../../kernel/db/database.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { endedNow, type TakeStep } from './transition.ts';

/** What one transaction takes on at most. */
const batch = { nodes: 10, allocations: 100 };

/** Nodes whose drain is over and that somebody still uses, the longest overdue first. */
const lockDrained = sql`/* allocations:lock_drained_nodes */
  SELECT n.id FROM inventory.node n
   WHERE n.eligibility = 'draining' AND n.drain_deadline_at <= clock_timestamp()
     AND EXISTS (SELECT FROM inventory.gpu_state s JOIN inventory.allocation_gpu l ON l.gpu_id = s.gpu_id
                  WHERE s.node_id = n.id AND l.released_at IS NULL)
   ORDER BY n.drain_deadline_at LIMIT ${batch.nodes} FOR NO KEY UPDATE SKIP LOCKED`;

/**
 * Ends what is left on nodes whose drain is over. The node's lock comes first, as everywhere: nobody can take the drain
 * back, or move its deadline, while its allocations end. Of several replicas one gets the node; each allocation ends
 * once, since the step looks at the locked row.
 */
export class Drain {
  readonly #db: Database;
  readonly #step: TakeStep;

  constructor(db: Database, step: TakeStep) {
    this.#db = db;
    this.#step = step;
  }

  /** Ends everything that is due, but for what somebody else is busy with; returns how many. */
  async sweep(): Promise<number> {
    let total = 0;
    let ended: number;
    do {
      ended = await this.#db.write({ worker: 'allocations.drain' }, (tx) => endSome(tx, this.#step));
      total += ended;
    } while (ended > 0);
    return total;
  }
}

async function endSome(tx: Transaction, step: TakeStep): Promise<number> {
  const nodes = await tx.rows<{ id: string }>(lockDrained);
  if (nodes.length === 0) return 0;
  const met = await step(tx, {
    action: 'interrupt',
    which: sql`a.id IN (
      SELECT DISTINCT l.allocation_id
        FROM inventory.gpu_state s JOIN inventory.allocation_gpu l ON l.gpu_id = s.gpu_id
       WHERE s.node_id = ANY(${nodes.map(({ id }) => id)}::uuid[]) AND l.released_at IS NULL
       LIMIT ${batch.allocations})`,
    set: endedNow(sql`'drained'`),
    events: { allocation: 'interrupted', gpu: 'released', reason: 'drained' },
    patience: 'skip',
  });
  return met.filter(({ applied }) => applied).length;
}
