import sql, { type Sql } from 'sql-template-tag';
import type { Database } from '../../kernel/db/database.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { newId } from '../../kernel/ids.ts';
import { breakerTrips } from './domain.ts';
import { recordMoves } from './moves.ts';
import type { LivenessPorts } from './ports.ts';
import {
  findNodes,
  isExpired,
  isOverdue,
  lockNodes,
  type SweepStart,
  startSweep,
  type TurnedRow,
  turnNodes,
  type Watch,
  watchNodes,
} from './queries.ts';

interface SweepSettings {
  graceS: number;
  failoverGraceS: number;
  breakerShare: number;
  breakerMinNodes: number;
  sweepIntervalMs: number;
}

interface SweeperOptions {
  db: Database;
  settings: SweepSettings;
  ports: LivenessPorts;
  /** The moment to judge by, as SQL; the database's clock unless a test says otherwise. */
  now?: () => Sql;
}

/** Nodes of one step: the next sweep goes on, and no transaction runs into its time-out. */
const stepSize = 1000;

/** Some nodes, what they become, and why. */
interface Turn {
  due: Sql;
  liveness: 'late' | 'offline' | 'unknown';
  reason: string;
  limit: number | null;
}

/**
 * Records silence: a node past its deadline becomes late, and past the grace offline, each once, whatever number of
 * replicas sweep. Only the database's time counts. Nobody goes offline before we have listened for `failoverGraceS`
 * without a gap, since silence before that may be our own.
 */
export class Sweeper {
  readonly #db: Database;
  readonly #settings: SweepSettings;
  readonly #ports: LivenessPorts;
  readonly #now: () => Sql;
  /** Since when, and until when, we have been listening. */
  #listening: { since: string; until: string } | null = null;

  constructor({ db, settings, ports, now = () => sql`clock_timestamp()` }: SweeperOptions) {
    this.#db = db;
    this.#settings = settings;
    this.#ports = ports;
    this.#now = now;
  }

  /** One look at all nodes, and what follows from it, in one transaction. */
  async sweep(): Promise<void> {
    const at = await this.#db.write({ worker: 'liveness.sweeper' }, async (tx) => {
      const start = (await tx.row<SweepStart>(startSweep(this.#now()))) as SweepStart;
      if (start.mine) await this.#judge(tx, start.at);
      return start.at;
    });
    this.#listening = { since: this.#since(at), until: at };
  }

  /** A gap such as an outage of the database starts the listening anew: heartbeats may have found no ear. */
  #since(at: string): string {
    if (!this.#listening) return at;
    const { since, until } = this.#listening;
    return secondsBetween(until, at) > longestPauseS(this.#settings) ? at : since;
  }

  async #judge(tx: Transaction, at: string): Promise<void> {
    const { graceS, failoverGraceS } = this.#settings;
    const since = this.#since(at);
    const listenedLong = secondsBetween(since, at) >= failoverGraceS;
    const watch = (await tx.row<Watch>(watchNodes(at, graceS))) as Watch;
    if (listenedLong && watch.expiring > 0) await this.#expire(tx, at, watch);
    if (watch.overdue > 0) await this.#turn(tx, at, lateTurn(at, listenedLong ? null : since));
  }

  async #expire(tx: Transaction, at: string, watch: Watch): Promise<void> {
    const due = isExpired(at, this.#settings.graceS);
    if (!breakerTrips(watch, this.#settings)) {
      const late = sql`${due} AND h.liveness = 'late'`;
      await this.#turn(tx, at, { due: late, liveness: 'offline', reason: 'not_heard', limit: stepSize });
      return;
    }
    // All at once: a rest would be judged by its own share in the next sweep.
    const nodes = await this.#turn(tx, at, { due, liveness: 'unknown', reason: 'mass_expiry', limit: null });
    if (nodes === 0) return;
    const { watched } = watch;
    await tx.record({
      type: 'breaker.tripped',
      subject: { type: 'breaker', id: newId() },
      version: 1,
      diff: { after: { nodes, watched } },
      reason: 'mass_expiry',
    });
  }

  async #turn(tx: Transaction, at: string, { due, liveness, reason, limit }: Turn): Promise<number> {
    const found = await tx.rows<{ nodeId: string }>(findNodes(due, limit));
    const locked = await tx.rows<{ id: string }>(
      lockNodes(
        found.map(({ nodeId }) => nodeId),
        true,
      ),
    );
    const ids = locked.map(({ id }) => id);
    const turned = await tx.rows<TurnedRow>(turnNodes(ids, due, { liveness, reason, at }));
    const moves = turned.map(({ nodeId, status, livenessBefore, reasonBefore }) => ({
      nodeId,
      before: { liveness: livenessBefore, livenessReason: reasonBefore, status },
      after: { liveness, livenessReason: reason, status },
    }));
    await recordMoves(tx, moves, reason, this.#ports);
    return moves.length;
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
