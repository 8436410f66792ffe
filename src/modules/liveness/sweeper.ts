import sql, { type Sql } from 'sql-template-tag';
import type { Database } from '../../kernel/db/database.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { openTrips, releaseTrip, tripBreaker } from './breaker/store.ts';
import { breakerTrips, reachabilityProved } from './domain.ts';
import type { IncidentKind } from './incidents/domain.ts';
import { openIncidents } from './incidents/store.ts';
import type { LivenessPorts } from './ports.ts';
import {
  isExpired,
  isOverdue,
  isSettled,
  isSpent,
  type SweepStart,
  startSweep,
  type Watch,
  watchNodes,
} from './queries.ts';
import { settle, type Turn, turn } from './turns.ts';

interface SweepSettings {
  graceS: number;
  failoverGraceS: number;
  breakerShare: number;
  breakerMinNodes: number;
  breakerProof: number;
  flappingStableS: number;
  sweepIntervalMs: number;
}

interface SweeperOptions {
  db: Database;
  settings: SweepSettings;
  ports: LivenessPorts;
  /** Milliseconds from a heartbeat to its deadline, at the fleet's present size. */
  windowMs: () => number;
  /** The moment to judge by, as SQL; the database's clock unless a test says otherwise. */
  now?: () => Sql;
}

/** Nodes of one step: the next sweep goes on, and no transaction runs into its time-out. */
const stepSize = 1000;

/**
 * Records silence: a node past its deadline becomes late, and past the grace offline, each once, whatever number of
 * replicas sweep. Only the database's time counts. Nobody goes offline before we have listened for `failoverGraceS`
 * without a gap, since silence before that may be our own.
 */
export class Sweeper {
  readonly #options: SweeperOptions;
  /** Since when, and until when, we have been listening. */
  #listening: { since: string; until: string } | null = null;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** One look at all nodes, and what follows from it, in one transaction. */
  async sweep(): Promise<void> {
    const { db, now = () => sql`clock_timestamp()` } = this.#options;
    const at = await db.write({ worker: 'liveness.sweeper' }, async (tx) => {
      const start = (await tx.row<SweepStart>(startSweep(now()))) as SweepStart;
      if (start.mine) await this.#judge(tx, start.at);
      return start.at;
    });
    this.#listening = { since: this.#since(at), until: at };
  }

  /** A gap such as an outage of the database starts the listening anew: heartbeats may have found no ear. */
  #since(at: string): string {
    if (!this.#listening) return at;
    const { since, until } = this.#listening;
    return secondsBetween(until, at) > longestPauseS(this.#options.settings) ? at : since;
  }

  async #judge(tx: Transaction, at: string): Promise<void> {
    const { settings, ports } = this.#options;
    const { failoverGraceS, flappingStableS } = settings;
    const since = this.#since(at);
    const listenedLong = secondsBetween(since, at) >= failoverGraceS;
    await this.#releaseProved(tx, at);
    const watch = (await tx.row<Watch>(watchNodes(at, settings))) as Watch;
    if (listenedLong) await this.#expire(tx, at, since, watch);
    if (watch.overdue > 0) await turn(tx, at, lateTurn(at, listenedLong ? null : since), ports);
    if (watch.settled > 0) await settle(tx, isSettled(at, flappingStableS), stepSize, ports);
  }

  async #expire(tx: Transaction, at: string, since: string, watch: Watch): Promise<void> {
    const { graceS } = this.#options.settings;
    const due = isExpired(at, graceS);
    const silence = (change: Omit<Turn, 'liveness'>, kind: IncidentKind) =>
      this.#silence(tx, at, since, { ...change, liveness: kind });
    if (watch.spent > 0) {
      await silence({ due: isSpent(at, graceS), reason: 'not_heard', limit: stepSize }, 'offline');
    }
    if (watch.expiring === 0) return;
    if (!breakerTrips(watch, this.#options.settings)) {
      // Those that fall silent together are judged together, wherever between them a sweep happens to come.
      if (breakerTrips({ ...watch, expiring: watch.soon }, this.#options.settings)) return;
      const late = sql`${due} AND h.liveness = 'late'`;
      await silence({ due: late, reason: 'not_heard', limit: stepSize }, 'offline');
      return;
    }
    // All at once: a rest would be judged by its own share in the next sweep.
    const held = await silence({ due, reason: 'mass_expiry', limit: null }, 'unknown');
    if (held.length > 0) await tripBreaker(tx, held, watch.watched, at);
  }

  /** A turn to silence opens an incident, in the same transaction. */
  async #silence(
    tx: Transaction,
    at: string,
    since: string,
    change: Turn & { liveness: IncidentKind },
  ): Promise<string[]> {
    const nodeIds = await turn(tx, at, change, this.#options.ports);
    await openIncidents(tx, nodeIds, change.liveness, since);
    return nodeIds;
  }

  async #releaseProved(tx: Transaction, at: string): Promise<void> {
    const { settings, windowMs } = this.#options;
    for (const trip of await openTrips(tx)) {
      if (!reachabilityProved(trip, settings.breakerProof)) continue;
      await releaseTrip(tx, trip, { reason: 'reachability_proved', at, windowMs: windowMs() });
    }
  }
}

/** Seconds between two sweeps that are no gap: a busy process, or a short grace, must not look like an outage. */
const longestPauseS = ({ graceS, sweepIntervalMs }: SweepSettings): number =>
  Math.max(10, graceS, (2 * sweepIntervalMs) / 1000);

/** A deadline that passed before we listened is held against nobody yet. */
const lateTurn = (at: string, since: string | null): Turn => ({
  due: since === null ? isOverdue(at) : sql`${isOverdue(at)} AND h.deadline_at > ${since}::timestamptz`,
  liveness: 'late',
  reason: 'deadline_missed',
  limit: stepSize,
});

const secondsBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000;
