import sql from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { lockGpus } from '../gpus/store.ts';

/** More GPUs are needed than were locked at once: these are all of them. */
class LockedTooFew extends Error {
  readonly needed: readonly string[];

  constructor(needed: readonly string[]) {
    super(`${needed.length} GPUs are to be locked at once.`);
    this.needed = needed;
  }
}

/**
 * The GPUs that one transaction has locked, all by one statement, which keeps the order of ids that everybody keeps.
 * Whoever locked some more afterwards would wait for those who have them and want the first.
 */
export class GpuLocks {
  readonly #tx: Transaction;
  #locked: ReadonlySet<string> | null = null;

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  /**
   * Locks GPUs and their families; false where all of them are locked already, so that what was read of them stands.
   *
   * @throws LockedTooFew where others are locked already; `withAllLocks` then begins again.
   */
  async take(ids: readonly string[]): Promise<boolean> {
    const locked = this.#locked;
    const missing = ids.filter((id) => !locked?.has(id));
    if (missing.length === 0) return false;
    if (locked) throw new LockedTooFew([...locked, ...missing]);
    await lockGpus(this.#tx, ids, sql`TRUE`);
    this.#locked = new Set(ids);
    return true;
  }
}

/**
 * Runs a write that finds out only on the way which GPUs it needs: it is told which to lock first, none at the beginning.
 * Each time that it needs more it is rolled back, and begins again with all of them.
 */
export async function withAllLocks<T>(write: (needed: readonly string[]) => Promise<T>): Promise<T> {
  for (let needed: readonly string[] = []; ; ) {
    try {
      return await write(needed);
    } catch (error) {
      if (!(error instanceof LockedTooFew)) throw error;
      needed = error.needed;
    }
  }
}
