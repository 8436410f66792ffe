import sql from 'sql-template-tag';
import { Database } from '../../kernel/db/database.ts';
import { createPool } from '../../kernel/db/pool.ts';
import type { Queryable } from '../../kernel/db/transaction.ts';
import type { Kernel } from '../../module.ts';

/** Connections that count, and do nothing else. */
const connections = 2;

/**
 * Groups of a million GPUs fit into this memory. No compilation: what it costs for many long expressions is more than
 * one pass over them saves. No nested loops: nothing tells the planner how many teams there are, and where it believed in
 * one, 80,000 GPUs took a minute and a half.
 */
const tuning = sql`/* allocations:tune_census */
  SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true), set_config('enable_nestloop', 'off', true)`;

/**
 * Counts over the whole fleet, on a pool of their own, so that however many are asked for they never take a connection
 * from a claim. Each is bounded by the statement time-out.
 */
export class Census {
  readonly #db: Pick<Database, 'read' | 'close'>;
  readonly #queue: (() => void)[] = [];
  #idle: number;

  constructor(db: Pick<Database, 'read' | 'close'>, lanes = connections) {
    this.#db = db;
    this.#idle = lanes;
  }

  /** Counts in one snapshot, in the order of asking; `begun` is called right before the snapshot is taken. */
  async count<T>(work: (db: Queryable) => Promise<T>, begun: () => void): Promise<T> {
    await new Promise<void>((enter) => {
      this.#queue.push(enter);
      this.#next();
    });
    try {
      begun();
      return await this.#db.read({ worker: 'allocations.census' }, async (db) => {
        await db.execute(tuning);
        return work(db);
      });
    } finally {
      this.#idle += 1;
      this.#next();
    }
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  #next(): void {
    if (this.#idle === 0) return;
    const enter = this.#queue.shift();
    if (!enter) return;
    this.#idle -= 1;
    enter();
  }
}

/** A census on its own connections, which `close` ends. */
export function openCensus({ config, log }: Pick<Kernel, 'config' | 'log'>): Census {
  const url = config.databaseUrl ?? '';
  const pool = createPool({ url, max: connections, name: 'depin-inventory census', log });
  // Nothing is prepared: each count has its own best plan.
  return new Census(new Database({ pool, log, prepare: false }));
}
