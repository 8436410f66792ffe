import sql from 'sql-template-tag';
import type { Database } from './db/database.ts';
import { newId } from './ids.ts';
import { type Clock, systemClock } from './time.ts';
import type { Worker } from './worker.ts';

/** Knows how many replicas of the service run on this database: each shows itself once a second. */
export class Replicas {
  readonly id = newId();
  readonly #db: Database;
  readonly #clock: Clock;
  #count = 0;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(db: Database, clock: Clock = systemClock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Replicas seen within five seconds, this one included. Where the last look is old we are not alone: the safe guess. */
  count(): number {
    return this.#clock.now() - this.#readAt < 4000 ? this.#count : Math.max(2, this.#count);
  }

  worker(): Worker {
    return { name: 'core.replicas', intervalMs: 1000, run: () => this.#show() };
  }

  async leave(): Promise<void> {
    await this.#db.execute(sql`DELETE FROM inventory.instance WHERE id = ${this.id}`);
  }

  async #show(): Promise<void> {
    const row = await this.#db.row<{ count: number }>(sql`/* core:show_instance */
      WITH me AS (
        INSERT INTO inventory.instance (id) VALUES (${this.id})
        ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()
      ), gone AS (
        DELETE FROM inventory.instance WHERE seen_at < clock_timestamp() - interval '1 minute'
      )
      SELECT count(*) FROM inventory.instance
       WHERE id <> ${this.id} AND seen_at > clock_timestamp() - interval '5 seconds'`);
    this.#count = (row?.count ?? 1) + 1;
    this.#readAt = this.#clock.now();
  }
}
