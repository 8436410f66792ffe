import type { RequestContext } from '../../../kernel/context.ts';
import type { Database } from '../../../kernel/db/database.ts';
import { readClock } from '../queries.ts';
import type { Breaker, BreakerRelease } from './schemas.ts';
import { openTrips, releaseTrip } from './store.ts';

interface Options {
  db: Database;
  /** Milliseconds that released nodes get to be heard in. */
  windowMs: () => number;
}

/** The breaker as operators see and use it; it trips, and is released by proof, in the sweep. */
export class BreakerService {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  async get(): Promise<Breaker> {
    const trips = await openTrips(this.#options.db);
    return {
      tripped: trips.length > 0,
      trips: trips.map(({ id, trippedAt, nodes, watched, unheard }) => ({
        id,
        trippedAt,
        nodes,
        watched,
        unheard,
      })),
    };
  }

  /** Somebody knows that the silence is not ours: what was held back is judged as usual. */
  release(ctx: RequestContext, reason: string | undefined): Promise<BreakerRelease> {
    const { db, windowMs } = this.#options;
    return db.write(ctx, async (tx) => {
      const { at } = (await tx.row<{ at: string }>(readClock)) as { at: string };
      const trips = await openTrips(tx);
      let unheard = 0;
      for (const trip of trips) {
        unheard += await releaseTrip(tx, trip, { reason: reason ?? 'released', at, windowMs: windowMs() });
      }
      return { trips: trips.length, nodes: unheard };
    });
  }
}
