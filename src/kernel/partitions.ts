import sql, { type Sql } from 'sql-template-tag';
import type { Database } from './db/database.ts';

/** A table that is partitioned by time, in UTC, and how long its rows are kept. It never has a DEFAULT partition. */
export interface Series {
  /** Of the schema `inventory`. */
  table: string;
  /** What one partition holds. */
  width: 'day' | 'month';
  keepDays: number;
  /** Boolean SQL: whether rows from `from` to `to` (exclusive) are still to be used. They then stay, however old. */
  inUse?(from: Sql, to: Sql): Sql;
}

const daysAhead = { day: 7, month: 35 } as const;

const parentOf = ({ table }: Series): Sql => sql`${`inventory.${table}`}::regclass`;

async function ensure(db: Database, series: Series, days: Sql): Promise<void> {
  await db.rows(sql`/* core:ensure_partitions */
    SELECT inventory.ensure_partitions(${parentOf(series)}, ${series.width}, ${days})`);
}

/** Makes the partitions that these days (`2026-01-31`) need, where they are missing. */
export const ensurePartitions = (db: Database, series: Series, days: readonly string[]): Promise<void> =>
  ensure(db, series, sql`${days}::date[]`);

/** Makes the partitions from yesterday to a week, or a month, ahead. */
export const ensurePartitionsAhead = (db: Database, series: Series): Promise<void> =>
  ensure(
    db,
    series,
    sql`ARRAY(SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date + n
                FROM generate_series(-1, ${daysAhead[series.width]}::integer) AS n)`,
  );

/** A partition whose rows have all outlived their time. */
export interface OutdatedPartition {
  name: string;
  /** What it holds, `to` being exclusive; RFC 3339. */
  from: string;
  to: string;
  bytes: number;
  inUse: boolean;
}

const utc = (moment: Sql): Sql => sql`to_char(${moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

/** Writers judge what is too old by a moment that may lie a little back: what they take must find its partition. */
const graceHours = 1;

/** The partitions of a series that are outdated at `moment`, oldest first. */
export const outdatedPartitions = (db: Database, series: Series, moment: Sql): Promise<OutdatedPartition[]> =>
  db.rows<OutdatedPartition>(sql`/* core:outdated_partitions */
    SELECT p.oid::regclass::text AS name, ${utc(sql`p.from_at`)} AS from, ${utc(sql`p.to_at`)} AS to,
           pg_total_relation_size(p.oid) AS bytes, ${series.inUse?.(sql`p.from_at`, sql`p.to_at`) ?? sql`FALSE`} AS in_use
      FROM (SELECT c.oid, bounds[1]::timestamptz AS from_at, bounds[2]::timestamptz AS to_at
              FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM [(]''(.+)''[)] TO [(]''(.+)''[)]')
                AS bounds
             WHERE i.inhparent = ${parentOf(series)}) AS p
     WHERE p.to_at <= ${moment} - make_interval(hours => ${24 * series.keepDays + graceHours}::integer)
     ORDER BY p.from_at`);

/** @throws 409 `resource.busy` when its table is in use all the time of 100 ms. */
export const dropPartition = (db: Database, name: string): Promise<number> =>
  db.execute(sql`/* core:drop_partition */ SELECT inventory.drop_partition(${name}::regclass)`);

/** Partitions of one series that are made when a row asks for them, for rows that may be of any day. */
export class PartitionsOnDemand {
  readonly #db: Database;
  readonly #series: Series;
  /** Days that have one. It goes when they are too old to be asked for. */
  readonly #days = new Set<string>();

  constructor(db: Database, series: Series) {
    this.#db = db;
    this.#series = series;
  }

  /** Which of these days (`2026-01-31`) are not known to have one. */
  missing(days: Iterable<string>): string[] {
    return [...new Set(days)].filter((day) => !this.#days.has(day));
  }

  /** In a transaction of its own: it must not be called within one. */
  async ensure(days: Iterable<string>): Promise<void> {
    const missing = this.missing(days);
    if (missing.length === 0) return;
    await ensurePartitions(this.#db, this.#series, missing);
    for (const day of missing) this.#days.add(day);
  }
}
