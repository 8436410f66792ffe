import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Sql } from 'sql-template-tag';
import type { IdempotencyRequest, RequestContext } from '../context.ts';
import { systemClock } from '../time.ts';
import { type Actor, actorOf, type Change } from './changes.ts';
import { type ConstraintErrors, isConnectionError, isRetryable, toAppError } from './errors.ts';
import { claimKey, storeReply, Twins } from './idempotency.ts';
import { opening } from './limits.ts';
import { PlanRenewal } from './plan-renewal.ts';
import { Statements } from './statements.ts';
import { onlyOnce, type Queryable, queryable, Transaction } from './transaction.ts';

/** Runs after COMMIT and before the answer goes out. */
export type AfterCommit = (changes: readonly Change[], tags: readonly string[]) => Promise<void>;

export interface DatabaseOptions {
  pool: pg.Pool;
  log: Logger;
  constraints?: ConstraintErrors;
  /** Prepare what keeps coming; off behind a pooler that knows no prepared statements. */
  prepare?: boolean;
}

/** Who writes: a request, or a worker of the service itself. */
export type Writer = Pick<RequestContext, 'principal' | 'requestId' | 'idempotency'> | Worker;

interface Worker {
  worker: string;
}

/** A tenant sees its own rows (row-level security), everybody else all of them. */
const scopeOf = (writer: Writer): string =>
  'worker' in writer || writer.principal.role !== 'tenant' ? '*' : (writer.principal.tenantId ?? '');

const actor = (writer: Writer): Actor =>
  'worker' in writer ? { type: 'service', id: writer.worker, requestId: null } : actorOf(writer);

const retryDelaysMs = [10, 50, 150];
/** Later than this nothing is begun again: the handler's answer goes out after 4 s, whatever happens here. */
const retryWithinMs = 2000;

/**
 * Every statement of the service goes through here. Single reads run by themselves and are tried once more when their
 * connection died; every write is one transaction with bounded retries, its idempotency key and its change rows.
 */
export class Database implements Queryable {
  readonly pool: pg.Pool;
  readonly #db: Queryable;
  readonly #statements: Statements | null;
  readonly #plans = new PlanRenewal(systemClock);
  readonly #log: Logger;
  readonly #constraints: ConstraintErrors;
  readonly #twins = new Twins();
  readonly #afterCommit: AfterCommit[] = [];

  constructor({ pool, log, constraints = {}, prepare = true }: DatabaseOptions) {
    this.#statements = prepare ? new Statements() : null;
    this.pool = pool;
    this.#db = queryable(
      { query: (config) => this.#connected((client) => client.query(config)) },
      this.#statements,
    );
    this.#log = log;
    this.#constraints = constraints;
  }

  /** Rows of one read; tried once more when its connection breaks. */
  rows<Row>(query: Sql): Promise<Row[]> {
    return this.#twice(() => this.#db.rows<Row>(query));
  }

  async row<Row>(query: Sql): Promise<Row | undefined> {
    return (await this.rows<Row>(query))[0];
  }

  /** One statement of the service's own, such as a sweep that is a single guarded UPDATE; never retried. */
  async execute(query: Sql): Promise<number> {
    try {
      return await this.#db.execute(query);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  /** Called after every commit, in the order of registration. */
  onCommit(listener: AfterCommit): void {
    this.#afterCommit.push(listener);
  }

  /** Reads that need one snapshot, or rows that row-level security guards; tried once more like `rows`. */
  read<T>(reader: Writer, work: (tx: Queryable) => Promise<T>): Promise<T> {
    return this.#twice(() => this.#attempt(reader, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work));
  }

  /** As `read`, for one statement, which is a snapshot by itself and takes one round trip. */
  readAtOnce<Row>(reader: Writer, query: Sql): Promise<Row[]> {
    const statements = this.#statements;
    if (!statements) return this.read(reader, (tx) => tx.rows<Row>(query));
    const rows = (client: pg.PoolClient) => onlyOnce(client, statements, scopeOf(reader)).rows<Row>(query);
    return this.#twice(() => this.#connected(rows));
  }

  /**
   * Runs `work` in one READ COMMITTED transaction and returns what it returns, which is the reply's body: with an
   * Idempotency-Key that body is stored beside the effect and returned again for a repeated request. Serialisation
   * failures and deadlocks are tried again up to three times; a lost COMMIT only where a key can tell the outcome.
   */
  async write<T>(writer: Writer, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const request = 'worker' in writer ? null : writer.idempotency;
    const once = () =>
      this.#write(request, (begun) =>
        this.#attempt(writer, 'BEGIN', (tx) => {
          begun(tx);
          return request ? onceByKey(tx, request, work) : work(tx);
        }),
      );
    return request ? this.#twins.run(request, 1000, once) : once();
  }

  /**
   * As `write`, for work that is one statement, which then is a transaction by itself and takes one round trip. It is
   * committed when `work` sees its rows: where it refuses, it must have written nothing.
   */
  async writeAtOnce<T>(writer: Writer, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const statements = this.#statements;
    if (!statements || !('worker' in writer || writer.idempotency === null)) return this.write(writer, work);
    return this.#write(null, (begun) =>
      this.#connected((client) => {
        const tx = new Transaction(onlyOnce(client, statements, scopeOf(writer)), actor(writer));
        begun(tx);
        return work(tx);
      }),
    );
  }

  async close(): Promise<void> {
    if (!this.pool.ending) await this.pool.end();
  }

  /** Attempts until one comes through or there is no use in another; each says which transaction it has `begun`. */
  async #write<T>(
    request: IdempotencyRequest | null,
    attempt: (begun: (tx: Transaction) => void) => Promise<T>,
  ): Promise<T> {
    const deadline = performance.now() + retryWithinMs;
    for (let attempts = 0; ; attempts++) {
      let begun: Transaction | undefined;
      try {
        const result = await attempt((tx) => {
          begun = tx;
        });
        if (begun) await this.#announce(begun);
        return result;
      } catch (error) {
        const lost = isConnectionError(error);
        // The COMMIT may have gone through: what it changed must not be served from a cache.
        if (lost && begun) await this.#announce(begun);
        const wait = retryDelaysMs[attempts];
        const again = isRetryable(error) || (request !== null && lost);
        if (!again || wait === undefined || performance.now() > deadline) throw this.#translate(error);
        await delay(wait * (0.5 + Math.random()));
      }
    }
  }

  async #twice<T>(read: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + retryWithinMs;
    try {
      return await read().catch((error: unknown) => {
        if (!isConnectionError(error) || performance.now() > deadline) throw error;
        return read();
      });
    } catch (error) {
      throw this.#translate(error);
    }
  }

  /** One transaction on one connection. */
  #attempt<T>(writer: Writer, begin: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const transact = async (client: pg.PoolClient) => {
      await client.query(opening(begin, scopeOf(writer)));
      const result = await work(new Transaction(queryable(client, this.#statements), actor(writer)));
      const { command } = await client.query('COMMIT');
      // PostgreSQL answers COMMIT of a failed transaction with ROLLBACK, and without an error.
      if (command !== 'COMMIT') throw new Error('An error was swallowed: the transaction was rolled back.');
      return result;
    };
    return this.#connected(transact, (client) => client.query('ROLLBACK'));
  }

  /** Work on one connection, which is thrown away when the error may have come from it. */
  async #connected<T>(
    work: (client: pg.PoolClient) => Promise<T>,
    undo: (client: pg.PoolClient) => Promise<unknown> = async () => {},
  ): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await this.#plans.renew(client);
      return await work(client);
    } catch (error) {
      if (isConnectionError(error)) broken = error as Error;
      else await undo(client).catch((lost: Error) => (broken = lost));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #announce(tx: Transaction): Promise<void> {
    if (tx.changes.length === 0 && tx.tags.size === 0) return;
    const tags = [...tx.tags];
    for (const listener of this.#afterCommit) {
      await listener(tx.changes, tags).catch((error: unknown) =>
        this.#log.error({ err: error }, 'a listener of committed changes failed'),
      );
    }
  }

  #translate(error: unknown): unknown {
    return toAppError(error, this.#constraints) ?? error;
  }
}

/** The write with its key claimed first and its reply kept beside it; a repeated request gets the kept one. */
async function onceByKey<T>(
  tx: Transaction,
  request: IdempotencyRequest,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const replay = await claimKey(tx, request);
  if (replay !== undefined) return replay as T;
  const reply = await work(tx);
  await storeReply(tx, request, reply);
  return reply;
}
