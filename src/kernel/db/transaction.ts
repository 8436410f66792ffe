import type pg from 'pg';
import sql, { type Sql } from 'sql-template-tag';
import { type Actor, type Change, insertChanges } from './changes.ts';
import { runInOneTrip } from './one-trip.ts';
import { rowOptions, toObjects } from './rows.ts';
import type { Statements } from './statements.ts';

export interface Queryable {
  /** Rows as objects with camelCase keys. */
  rows<Row>(query: Sql): Promise<Row[]>;
  /** The number of rows that a statement touched. */
  execute(query: Sql): Promise<number>;
}

/** A connection, or whoever finds one for a statement. */
interface Client {
  query(config: pg.QueryArrayConfig<unknown[]>): Promise<pg.QueryArrayResult>;
}

function run(client: Client, statements: Statements | null, query: Sql): Promise<pg.QueryArrayResult> {
  const { text } = query;
  const name = statements?.nameOf(text);
  const named = name === undefined ? {} : { name };
  return client.query({
    text,
    values: query.values as unknown[],
    ...named,
    ...rowOptions,
  });
}

export const queryable = (client: Client, statements: Statements | null): Queryable => ({
  rows: async (query) => toObjects(await run(client, statements, query)),
  execute: async (query) => (await run(client, statements, query)).rowCount ?? 0,
});

/** For one statement and no more, which is a whole transaction of this scope. */
export function onlyOnce(client: pg.ClientBase, statements: Statements, scope: string): Queryable {
  let used = false;
  const once = (query: Sql): Promise<pg.QueryArrayResult> => {
    if (used) throw new Error('This work was to be one statement.');
    used = true;
    return runInOneTrip(client, statements, scope, query);
  };
  return {
    rows: async (query) => toObjects(await once(query)),
    execute: async (query) => (await once(query)).rowCount ?? 0,
  };
}

/** A write in progress. What it collects (changes to announce, tags to invalidate) takes effect after COMMIT only. */
export class Transaction implements Queryable {
  readonly actor: Actor;
  readonly changes: Change[] = [];
  readonly tags = new Set<string>();
  readonly #db: Queryable;

  constructor(db: Queryable, actor: Actor) {
    this.#db = db;
    this.actor = actor;
  }

  rows<Row>(query: Sql): Promise<Row[]> {
    return this.#db.rows<Row>(query);
  }

  execute(query: Sql): Promise<number> {
    return this.#db.execute(query);
  }

  /** The one row of a statement; undefined where there is none. */
  async row<Row>(query: Sql): Promise<Row | undefined> {
    return (await this.#db.rows<Row>(query))[0];
  }

  /** Writes change rows: exactly one for each version that this transaction makes. */
  async record(...changes: Change[]): Promise<void> {
    if (changes.length === 0) return;
    await this.#db.execute(insertChanges(this.actor, changes));
    this.changes.push(...changes);
  }

  /** Cached answers with these tags are dropped after COMMIT and before the reply goes out. */
  invalidate(...tags: string[]): void {
    for (const tag of tags) this.tags.add(tag);
  }

  /**
   * Runs `work` so that its failure undoes its own statements alone (one item of a batch, say). Savepoints nest, since
   * a name means the innermost of its kind; the same name each time keeps the statements few.
   */
  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    const [changes, tags] = [this.changes.length, new Set(this.tags)];
    await this.#db.execute(sql`SAVEPOINT item`);
    try {
      const result = await work();
      await this.#db.execute(sql`RELEASE SAVEPOINT item`);
      return result;
    } catch (error) {
      await this.#db.execute(sql`ROLLBACK TO SAVEPOINT item`);
      await this.#db.execute(sql`RELEASE SAVEPOINT item`);
      this.changes.length = changes;
      this.tags.clear();
      for (const tag of tags) this.tags.add(tag);
      throw error;
    }
  }
}
