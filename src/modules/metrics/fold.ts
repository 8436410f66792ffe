import sql, { raw, type Sql } from 'sql-template-tag';
import type { Database } from '../../kernel/db/database.ts';
import type { Queryable } from '../../kernel/db/transaction.ts';
import { PartitionsOnDemand } from '../../kernel/partitions.ts';
import type { MetricSeries } from './series.ts';
import { binOf } from './sketch.ts';
import { openS } from './store.ts';

/** Marks that are taken at once: as many as take about so long, so that no transaction is a long one. */
const batches = { first: 20, largest: 1000, targetMs: 300 } as const;
/** How long after its end an hour is folded: what comes in time for that makes no second revision. */
const settleS = openS + 60;

interface Mark {
  gpuId: string;
  metricId: number;
  hour: Date;
  /** Whether it is of a batch of late samples, not the one that the hour had while it was open. */
  isLate: boolean;
  /** Where its row lies: it stays there while it is locked. */
  place: string;
}

/**
 * Makes roll-ups of hours that are over. A roll-up is a function of the samples that there are, so an hour can be folded
 * any number of times; one that a late sample has marked again gets a higher revision. Any number of replicas may fold at
 * once: each locks marks that nobody else has, and they go in the same transaction. Whoever stores samples locks none.
 */
export class Fold {
  readonly #db: Database;
  readonly #minutes: PartitionsOnDemand;
  readonly #hours: PartitionsOnDemand;
  #batchSize: number = batches.first;

  constructor(db: Database, { minutes, hours }: MetricSeries) {
    this.#db = db;
    this.#minutes = new PartitionsOnDemand(db, minutes);
    this.#hours = new PartitionsOnDemand(db, hours);
  }

  /** Folds whatever is due and not being folded elsewhere. A batch that fails is tried again as a smaller one. */
  async run(): Promise<void> {
    const days = await this.#dueDays();
    if (days.length === 0) return;
    await this.#minutes.ensure(days);
    await this.#hours.ensure(days);
    try {
      for (let taken = -1; taken !== 0; ) {
        const begun = performance.now();
        taken = await this.#foldBatch(days);
        this.#resize(batches.targetMs / (performance.now() - begun));
      }
    } catch (error) {
      this.#resize(0.5);
      throw error;
    }
  }

  #resize(factor: number): void {
    const size = Math.round(this.#batchSize * Math.min(2, factor));
    this.#batchSize = Math.min(batches.largest, Math.max(1, size));
  }

  async #dueDays(): Promise<string[]> {
    const rows = await this.#db.rows<{ day: string }>(sql`/* metrics:due_days */
      (${dueDaysOf('metric_unfolded')}) UNION (${dueDaysOf('metric_late')})`);
    return rows.map(({ day }) => day);
  }

  /** The number of marks that it took. */
  #foldBatch(days: readonly string[]): Promise<number> {
    return this.#db.write({ worker: 'metrics.fold' }, async (tx) => {
      const isOurs = sql`${isDue} AND ${utcDay} = ANY(${days}::date[])`;
      const marks = await tx.rows<Mark>(sql`/* metrics:take_marks */
        WITH unfolded AS (
          SELECT gpu_id, metric_id, hour, ctid FROM inventory.metric_unfolded WHERE ${isOurs}
           ORDER BY hour, gpu_id LIMIT ${this.#batchSize}::integer FOR UPDATE SKIP LOCKED
        ), late AS (
          SELECT gpu_id, metric_id, hour, ctid FROM inventory.metric_late WHERE ${isOurs}
           ORDER BY hour, gpu_id LIMIT ${this.#batchSize}::integer FOR UPDATE SKIP LOCKED
        )
        SELECT gpu_id, metric_id, hour, FALSE AS is_late, ctid::text AS place FROM unfolded
         UNION ALL SELECT gpu_id, metric_id, hour, TRUE, ctid::text FROM late`);
      // A statement, and so a snapshot, of its own: it holds the samples of all who had written or locked these marks.
      if (marks.length > 0) await foldHours(tx, marks);
      return marks.length;
    });
  }
}

const isDue = sql`hour <= statement_timestamp() - interval '1 hour' - make_interval(secs => ${settleS}::integer)`;
const utcDay = sql`(hour AT TIME ZONE 'UTC')::date`;

/** Each day is looked up by the index from the one before: there may be millions of marks of one hour. */
function dueDaysOf(table: string): Sql {
  const first = (since: Sql): Sql =>
    sql`SELECT ${utcDay} AS day FROM inventory.${raw(table)} WHERE ${isDue} AND ${since} ORDER BY hour LIMIT 1`;
  return sql`
    WITH RECURSIVE found(day) AS (
      (${first(sql`TRUE`)})
      UNION ALL
      SELECT (${first(sql`hour >= (found.day + 1)::timestamp AT TIME ZONE 'UTC'`)}) FROM found WHERE found.day IS NOT NULL
    ) SELECT day::text FROM found WHERE day IS NOT NULL`;
}

/**
 * Samples are never changed or deleted one by one: more of them are a later state of the hour, as many are the same. So of
 * two folds of one hour the one that saw more stands, whichever comes last. Hours are numbered in the order of their keys:
 * numbers are cheaper to sort and to group by, and the samples come in their order.
 */
const foldHours = (tx: Queryable, marks: readonly Mark[]): Promise<number> =>
  tx.execute(sql`/* metrics:fold_hours */
    WITH marked AS (
      SELECT DISTINCT * FROM unnest(${marks.map(({ gpuId }) => gpuId)}::uuid[],
                                    ${marks.map(({ metricId }) => metricId)}::integer[],
                                    ${marks.map(({ hour }) => hour)}::timestamptz[]) AS m(gpu_id, metric_id, hour)
    ), due AS MATERIALIZED (
      SELECT row_number() OVER (ORDER BY gpu_id, metric_id, hour) AS place, * FROM marked
    ), samples AS MATERIALIZED (
      SELECT d.place, s.at, s.value
        FROM due d JOIN inventory.metric_sample s
          ON s.gpu_id = d.gpu_id AND s.metric_id = d.metric_id AND s.at >= d.hour AND s.at < d.hour + interval '1 hour'
    ), minutes AS (
      INSERT INTO inventory.metric_minute AS r (gpu_id, metric_id, at, count, sum, min, max)
      SELECT d.gpu_id, d.metric_id, m.minute, m.count, m.sum, m.min, m.max
        FROM due d JOIN (
          SELECT place, date_bin('1 minute', at, '2000-01-01Z') AS minute, count(*), sum(value ORDER BY at), min(value), max(value)
            FROM samples GROUP BY 1, 2) AS m USING (place)
       ORDER BY place, m.minute
          ON CONFLICT (gpu_id, metric_id, at) DO UPDATE
         SET count = excluded.count, sum = excluded.sum, min = excluded.min, max = excluded.max, revision = r.revision + 1
       WHERE r.count < excluded.count
    ), bins AS (
      SELECT place, array_agg(bin ORDER BY bin) AS bins, array_agg(n ORDER BY bin) AS bin_counts
        FROM (SELECT place, ${binOf(sql`value`)} AS bin, count(*)::integer AS n FROM samples GROUP BY 1, 2) AS counted
       GROUP BY 1
    ), hours AS (
      INSERT INTO inventory.metric_hour AS r (gpu_id, metric_id, at, count, sum, min, max, bins, bin_counts)
      SELECT d.gpu_id, d.metric_id, d.hour, s.count, s.sum, s.min, s.max, b.bins, b.bin_counts
        FROM due d JOIN bins b USING (place) JOIN (
          SELECT place, count(*), sum(value ORDER BY at), min(value), max(value) FROM samples GROUP BY 1) AS s USING (place)
       ORDER BY place
          ON CONFLICT (gpu_id, metric_id, at) DO UPDATE
         SET count = excluded.count, sum = excluded.sum, min = excluded.min, max = excluded.max,
             bins = excluded.bins, bin_counts = excluded.bin_counts, revision = r.revision + 1
       WHERE r.count < excluded.count
    ), late AS (
      DELETE FROM inventory.metric_late WHERE ctid = ANY(${placesOf(marks, true)}::tid[])
    )
    DELETE FROM inventory.metric_unfolded WHERE ctid = ANY(${placesOf(marks, false)}::tid[])`);

const placesOf = (marks: readonly Mark[], late: boolean): string[] =>
  marks.filter(({ isLate }) => isLate === late).map(({ place }) => place);
