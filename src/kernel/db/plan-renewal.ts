import type pg from 'pg';
import type { Clock } from '../time.ts';

/**
 * Plans that are made once for all parameters also stay as they are while a table grows from nothing to a million rows,
 * until PostgreSQL analyses it, a minute later. So each connection forgets its plans every half minute; to make them
 * anew takes a millisecond each, well below a hundredth of the time of a busy connection.
 */
const renewedEveryMs = 30_000;

export class PlanRenewal {
  readonly #clock: Clock;
  readonly #renewedAt = new WeakMap<pg.PoolClient, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Before anything else is done with a connection; most of the time it does nothing. */
  async renew(client: pg.PoolClient): Promise<void> {
    const now = this.#clock.now();
    const at = this.#renewedAt.get(client);
    if (at !== undefined && now - at < renewedEveryMs) return;
    this.#renewedAt.set(client, now);
    if (at !== undefined) await client.query('DISCARD PLANS');
  }
}
