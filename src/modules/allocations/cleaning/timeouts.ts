import sql from 'sql-template-tag';
import type { Database } from '../../../kernel/db/database.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import type { GatedGpu } from '../../inventory/index.ts';
import { isAway } from './gate.ts';
import { giveUp } from './service.ts';

const batch = 50;

const isOverdue = sql`EXISTS (SELECT FROM inventory.gpu_cleaning c
  WHERE c.gpu_id = s.gpu_id AND c.deadline_at <= clock_timestamp())`;

/**
 * Quarantines GPUs that nobody has cleaned in time. One that is away waits: its time begins anew when it is back. A GPU's
 * lock, with those of its partitions, is taken before what is left on it is looked at, as reports do, so each is either clean or given up, and once.
 */
export class CleaningTimeouts {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Gives up what is overdue, but for what somebody else is busy with; returns how many GPUs. */
  async sweep(): Promise<number> {
    let total = 0;
    let given: number;
    do {
      given = await this.#db.write({ worker: 'allocations.cleaning' }, giveUpSome);
      total += given;
    } while (given > 0);
    return total;
  }
}

async function giveUpSome(tx: Transaction): Promise<number> {
  const found = await tx.rows<{ id: string }>(sql`/* allocations:lock_uncleaned */
    WITH due AS MATERIALIZED (
      SELECT s.gpu_id, s.root_gpu_id FROM inventory.gpu_state s
       WHERE s.gpu_id IN (SELECT c.gpu_id FROM inventory.gpu_cleaning c WHERE c.deadline_at <= clock_timestamp())
         AND s.deleted_at IS NULL AND NOT ${isAway}
       ORDER BY s.gpu_id LIMIT ${batch}
    ), family AS MATERIALIZED (
      SELECT gpu_id, gpu_id AS of FROM due
       UNION ALL
      SELECT root_gpu_id, gpu_id FROM due
       UNION ALL
      SELECT p.gpu_id, p.root_gpu_id FROM due JOIN inventory.gpu_state p ON p.root_gpu_id = due.gpu_id
       WHERE p.root_gpu_id <> p.gpu_id AND p.deleted_at IS NULL
    ), locked AS MATERIALIZED (
      SELECT s.gpu_id FROM inventory.gpu_state s
       WHERE s.gpu_id IN (SELECT gpu_id FROM family) ORDER BY s.gpu_id FOR NO KEY UPDATE SKIP LOCKED
    )
    SELECT of AS id FROM family GROUP BY of HAVING bool_and(gpu_id IN (SELECT gpu_id FROM locked))`);
  if (found.length === 0) return 0;
  const overdue = await tx.rows<GatedGpu>(sql`/* allocations:read_uncleaned */
    SELECT 'gpu' AS type, s.gpu_id AS id, s.node_id, s.provider_id, s.blocks FROM inventory.gpu_state s
     WHERE s.gpu_id = ANY(${found.map(({ id }) => id)}::uuid[]) AND ${isOverdue} AND NOT ${isAway}
     ORDER BY s.gpu_id`);
  for (const gpu of overdue) await giveUp(tx, gpu, 'cleaning_timeout');
  return overdue.length;
}
