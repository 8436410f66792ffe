import type pg from 'pg';
import type { Database } from '../../kernel/db/database.ts';
import { isLockTimeout, isRetryable, toAppError } from '../../kernel/db/errors.ts';
import { rowOptions, toObjects } from '../../kernel/db/rows.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { AppError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { Batcher } from './batcher.ts';
import { windowMs } from './domain.ts';
import { overloaded } from './errors.ts';
import { recover } from './incidents/recovery.ts';
import { type Move, recordMoves } from './moves.ts';
import type { Pace } from './pace.ts';
import type { LivenessPorts } from './ports.ts';
import { lockNodes, type StoredRow, storeHeartbeats } from './queries.ts';
import type { HeartbeatInput } from './schemas.ts';

/** Heartbeats of one request: stored all or none. */
export interface Submission {
  /** The provider whose nodes they must be; null where that is settled. */
  viewer: string | null;
  heartbeats: readonly HeartbeatInput[];
}

/** Of each heartbeat of a submission, in its order. */
export type Outcomes = readonly StoredRow[];

interface IngestOptions {
  db: Database;
  /** Connections of its own, so that heartbeats neither wait for other requests nor crowd them out. */
  pool: pg.Pool;
  settings: IngestSettings;
  pace: Pace;
  ports: LivenessPorts;
}

interface IngestSettings {
  /** As many batches are in work at once. */
  connections: number;
  /** Heartbeats of one statement: beyond some hundreds a larger batch is no faster, but slower to answer. */
  batchMax: number;
  queueMax: number;
  flappingLimit: number;
}

/** A node that moves is so much dearer than one that is only heard: its GPUs move with it. */
const movedCost = 5;

/** Another transaction was in the way; a single request may still get through. */
const isContention = (error: unknown): boolean =>
  isRetryable(error) || isLockTimeout(error) || (error instanceof AppError && error.status === 409);

/**
 * Stores heartbeats, many requests in one statement, and answers after its commit. Requests that change a node's
 * liveness go through a transaction of their own right behind it, since only those lock nodes and GPUs.
 */
export class Ingest {
  readonly #options: IngestOptions;
  readonly #batcher: Batcher<Submission, Outcomes>;

  constructor(options: IngestOptions) {
    this.#options = options;
    const { connections, batchMax, queueMax } = options.settings;
    this.#batcher = new Batcher({
      lanes: connections,
      batchWeight: batchMax,
      queueWeight: queueMax,
      weightOf: ({ heartbeats }) => heartbeats.length,
      onFull: overloaded,
      work: (submissions) => this.#flush(submissions),
    });
  }

  /** Heartbeats that wait for a connection. */
  get queued(): number {
    return this.#batcher.queued;
  }

  /** Resolves after the commit. @throws 503 `heartbeat.overloaded` when too many wait. */
  submit(submission: Submission): Promise<Outcomes> {
    return this.#batcher.submit(submission);
  }

  /** The same inside a transaction of the caller's, liveness and all. */
  async storeIn(tx: Transaction, submissions: readonly Submission[]): Promise<Outcomes[]> {
    const nodeIds = submissions.flatMap(({ heartbeats }) => heartbeats.map(({ nodeId }) => nodeId));
    await tx.execute(lockNodes(nodeIds, false));
    const rows = await tx.rows<StoredRow>(this.#statement(submissions, true));
    const { settings, ports } = this.#options;
    const moves = await recover(tx, movesOf(submissions, rows), settings.flappingLimit);
    await recordMoves(tx, moves, 'heartbeat', ports);
    return perSubmission(submissions, rows);
  }

  async close(): Promise<void> {
    await this.#batcher.drained();
    await this.#options.pool.end();
  }

  async #flush(submissions: readonly Submission[]): Promise<PromiseSettledResult<Outcomes>[]> {
    const outcomes = await this.#store(submissions).catch((error: unknown) => {
      if (!isContention(error)) throw toAppError(error) ?? error;
      return null;
    });
    if (!outcomes) return this.#move(submissions);
    const settled = outcomes.map(fulfilled);
    const moving = submissions.filter((_, index) => isMoving(outcomes[index]));
    if (moving.length === 0) return settled;
    const moved = await this.#move(moving);
    return settled.map((result) => (isMoving(result.value) ? (moved.shift() ?? result) : result));
  }

  async #store(submissions: readonly Submission[]): Promise<Outcomes[]> {
    const { text, values } = this.#statement(submissions, false);
    const result = await this.#options.pool.query({
      name: 'liveness:store_heartbeats',
      text,
      values,
      ...rowOptions,
    });
    return perSubmission(submissions, toObjects<StoredRow>(result));
  }

  /** Part by part: where a database is too slow for all that come back together, some of them get through each time. */
  async #move(submissions: readonly Submission[]): Promise<PromiseSettledResult<Outcomes>[]> {
    const size = Math.ceil(this.#options.settings.batchMax / movedCost);
    const settled: PromiseSettledResult<Outcomes>[] = [];
    for (let begin = 0; begin < submissions.length; begin += size)
      settled.push(...(await this.#movePart(submissions.slice(begin, begin + size))));
    return settled;
  }

  /** All in one transaction; when somebody holds a lock of one, each by itself, so that only that one has to wait. */
  async #movePart(submissions: readonly Submission[]): Promise<PromiseSettledResult<Outcomes>[]> {
    try {
      return (await this.#write(submissions)).map(fulfilled);
    } catch (reason) {
      if (!isContention(reason) || submissions.length === 1) {
        return submissions.map(() => ({ status: 'rejected', reason }));
      }
    }
    const settled: PromiseSettledResult<Outcomes>[] = [];
    for (const one of submissions) settled.push(...(await Promise.allSettled([this.#alone(one)])));
    return settled;
  }

  async #alone(submission: Submission): Promise<Outcomes> {
    return (await this.#write([submission]))[0] ?? [];
  }

  #write(submissions: readonly Submission[]): Promise<Outcomes[]> {
    return this.#options.db.write({ worker: 'liveness.ingest' }, (tx) => this.storeIn(tx, submissions));
  }

  #statement(submissions: readonly Submission[], mayMove: boolean) {
    let position = 0;
    const rows = submissions.flatMap(({ viewer, heartbeats }, request) =>
      heartbeats.map((heartbeat) => ({
        request,
        position: position++,
        id: newId(),
        viewer,
        gpus: [],
        ...heartbeat,
      })),
    );
    return storeHeartbeats(JSON.stringify(rows), windowMs(this.#options.pace.intervalMs()), mayMove);
  }
}

const fulfilled = (value: Outcomes): PromiseFulfilledResult<Outcomes> => ({ status: 'fulfilled', value });

const isMoving = (outcomes: Outcomes | undefined): boolean => outcomes?.[0]?.outcome === 'moving';

function perSubmission(submissions: readonly Submission[], rows: readonly StoredRow[]): Outcomes[] {
  let next = 0;
  return submissions.map(({ heartbeats }) => {
    const from = next;
    next += heartbeats.length;
    return rows.slice(from, next);
  });
}

/** The nodes that a stored heartbeat made online, or took into or out of maintenance. */
function movesOf(submissions: readonly Submission[], rows: readonly StoredRow[]): Move[] {
  const heartbeats = submissions.flatMap((submission) => submission.heartbeats);
  return heartbeats.flatMap(({ nodeId, status }, index) => {
    const row = rows[index];
    if (!row?.latest) return [];
    const turned = (status === 'maintenance') !== (row.status === 'maintenance');
    if (row.liveness === 'online' && !turned) return [];
    return {
      nodeId,
      before: {
        liveness: row.liveness,
        livenessReason: row.reason,
        status: row.status,
        flapping: row.flapping,
      },
      after: { liveness: 'online', livenessReason: null, status, flapping: row.flapping },
    };
  });
}
