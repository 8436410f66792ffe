import sql, { type Sql } from 'sql-template-tag';
import type { Database } from '../../kernel/db/database.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { AppError } from '../../kernel/errors.ts';
import { openTrips, releaseTrip, tripBreaker } from './breaker/store.ts';
import { breakerTrips, reachabilityProved } from './domain.ts';
import type { IncidentKind } from './incidents/domain.ts';
import { openIncidents } from './incidents/store.ts';
import type { LivenessPorts } from './ports.ts';
import {
  isExpired,
  isHeld,
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
  /** Nodes of one step: no transaction runs into its time-out. */
  stepSize?: number;
}

/**
 * Records silence: a node past its deadline becomes late, and past the grace offline, each once, whatever number of
 * replicas sweep. Only the database's time counts. Nobody goes offline before we have listened for `failoverGraceS`
 * without a gap, since silence before that may be our own.
 */
export class Sweeper {
  readonly #options: SweeperOptions;
  /** Since when, and until when, we have been listening. */
  #listening: { since: string; until: string } | null = null;
  /** The database was away since the last sweep: a pause is no busy process then. */
  #wasAway = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** One look at all nodes, and what follows from it, in one transaction; then who is held back becomes unknown. */
  async sweep(): Promise<void> {
    const { at, holds } = await this.#look().catch((error: unknown) => {
      if (isAway(error)) this.#wasAway = true;
      throw error;
    });
    const since = this.#since(at);
    this.#listening = { since, until: at };
    this.#wasAway = false;
    for (let more = holds; more; ) more = (await this.#holdBack(at, since)) === this.#stepSize;
  }

  #look(): Promise<{ at: string; holds: boolean }> {
    const { db, now = () => sql`clock_timestamp()` } = this.#options;
    return db.write({ worker: 'liveness.sweeper' }, async (tx) => {
      const { mine, at } = (await tx.row<SweepStart>(startSweep(now()))) as SweepStart;
      return { at, holds: mine && (await this.#judge(tx, at)) };
    });
  }

  get #stepSize(): number {
    return this.#options.stepSize ?? 1000;
  }

  /** A gap such as an outage of the database starts the listening anew: heartbeats may have found no ear. */
  #since(at: string): string {
    if (!this.#listening) return at;
    const { since, until } = this.#listening;
    return secondsBetween(until, at) > this.#longestPauseS() ? at : since;
  }

  /** Seconds between two sweeps that are no gap: neither a busy process nor a short grace must look like an outage. */
  #longestPauseS(): number {
    const { settings, windowMs } = this.#options;
    const { graceS, sweepIntervalMs } = settings;
    const usualS = Math.max(10, graceS, (2 * sweepIntervalMs) / 1000);
    // What is left to a node that was heard as late as it may be: half an interval, which is a quarter of the window.
    return this.#wasAway ? Math.min(usualS, graceS + windowMs() / 4000) : usualS;
  }

  /** Whether there are nodes that the breaker holds back and that are not unknown yet. */
  async #judge(tx: Transaction, at: string): Promise<boolean> {
    const { settings, ports } = this.#options;
    const { failoverGraceS, flappingStableS } = settings;
    const since = this.#since(at);
    const listenedLong = secondsBetween(since, at) >= failoverGraceS;
    await this.#releaseProved(tx, at);
    const watch = (await tx.row<Watch>(
      watchNodes(at, { ...settings, togetherS: this.#togetherS() }),
    )) as Watch;
    const limit = this.#stepSize;
    const held = listenedLong ? await this.#expire(tx, at, since, watch) : 0;
    if (watch.overdue > 0) await turn(tx, at, lateTurn(at, listenedLong ? null : since, limit), ports);
    if (watch.settled > 0) await settle(tx, isSettled(at, flappingStableS), limit, ports);
    return held + watch.held > 0;
  }

  /** The number of nodes that the breaker holds back from now on. */
  async #expire(tx: Transaction, at: string, since: string, watch: Watch): Promise<number> {
    const { graceS } = this.#options.settings;
    const limit = this.#stepSize;
    const due = isExpired(at, graceS);
    const giveUp = (silent: Sql) =>
      this.#silence(tx, at, since, { due: silent, liveness: 'offline', reason: 'not_heard', limit });
    if (watch.spent > 0) await giveUp(isSpent(at, graceS));
    if (watch.expiring === 0) return 0;
    // All at once, that is cheap: a rest would be judged by its own share in the next sweep.
    if (breakerTrips(watch, this.#options.settings)) return tripBreaker(tx, due, watch.watched, at);
    // Those that fall silent together are judged together: the first wait for the last, but no longer than that takes.
    const isMass = breakerTrips({ ...watch, expiring: watch.soon }, this.#options.settings);
    const patienceS = isMass ? this.#togetherS() : 0;
    await giveUp(sql`${isExpired(at, graceS + patienceS)} AND h.liveness = 'late'`);
    return 0;
  }

  /** Heartbeats of nodes are up to an interval and its jitter apart: three quarters of the window. */
  #togetherS(): number {
    const { settings, windowMs } = this.#options;
    return Math.max(settings.sweepIntervalMs, 0.75 * windowMs()) / 1000;
  }

  /**
   * Makes nodes that the breaker holds back unknown, step by step: with their GPUs these may be too many for one
   * transaction. One that is heard meanwhile is not held back any more. Any number of replicas may do it at once.
   */
  #holdBack(at: string, since: string): Promise<number> {
    const change = {
      due: isHeld,
      liveness: 'unknown',
      reason: 'mass_expiry',
      limit: this.#stepSize,
    } as const;
    return this.#options.db.write(
      { worker: 'liveness.sweeper' },
      async (tx) => (await this.#silence(tx, at, since, change)).length,
    );
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

const isAway = (error: unknown): boolean => error instanceof AppError && error.status === 503;

/** A deadline that passed before we listened is held against nobody yet. */
const lateTurn = (at: string, since: string | null, limit: number): Turn => ({
  due: since === null ? isOverdue(at) : sql`${isOverdue(at)} AND h.deadline_at > ${since}::timestamptz`,
  liveness: 'late',
  reason: 'deadline_missed',
  limit,
});

const secondsBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000;
