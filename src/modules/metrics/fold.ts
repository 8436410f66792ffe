import sql from 'sql-template-tag';
import type { Database } from '../../kernel/db/database.ts';
import type { Queryable } from '../../kernel/db/transaction.ts';
import { PartitionsOnDemand } from '../../kernel/partitions.ts';
import type { MetricSeries } from './series.ts';
import { binOf } from './sketch.ts';
import { openS } from './store.ts';

/** Hours of a series that are folded at once: as many as take about so long, for late samples wait behind them. */
const batches = { first: 20, largest: 200, targetMs: 200 } as const;
/** How long after its end an hour is folded: what comes in time for that makes no second revision, nor a lock. */
const settleS = openS + 60;

interface Hour {
  gpuId: string;
  metricId: number;
  hour: Date;
}

/**
 * Makes roll-ups of hours that are over. A roll-up is a function of the samples that there are, so an hour can be folded
 * any number of times; one that a late sample has marked again gets a higher revision. Any number of replicas may fold at
 * once: each hour is locked by its mark, which goes in the same transaction.
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
      for (let folded = -1; folded !== 0; ) {
        const begun = performance.now();
        folded = await this.#foldBatch(days);
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
      SELECT DISTINCT (hour AT TIME ZONE 'UTC')::date::text AS day FROM inventory.metric_unfolded WHERE ${isDue}`);
    return rows.map(({ day }) => day);
  }

  /** The number of hours that it folded. */
  #foldBatch(days: readonly string[]): Promise<number> {
    return this.#db.write({ worker: 'metrics.fold' }, async (tx) => {
      const hours = await tx.rows<Hour>(sql`/* metrics:take_hours */
        SELECT gpu_id, metric_id, hour FROM inventory.metric_unfolded
         WHERE ${isDue} AND (hour AT TIME ZONE 'UTC')::date = ANY(${days}::date[])
         ORDER BY hour, gpu_id LIMIT ${this.#batchSize}::integer FOR UPDATE SKIP LOCKED`);
      // A statement, and so a snapshot, of its own: it sees what those have stored who held the marks until now.
      if (hours.length > 0) await foldHours(tx, hours);
      return hours.length;
    });
  }
}

const isDue = sql`hour <= clock_timestamp() - interval '1 hour' - make_interval(secs => ${settleS}::integer)`;

/** Samples are never changed or deleted one by one: the same number of them is the same content. */
const foldHours = (tx: Queryable, hours: readonly Hour[]): Promise<number> =>
  tx.execute(sql`/* metrics:fold_hours */
    WITH due AS (
      SELECT * FROM unnest(${hours.map(({ gpuId }) => gpuId)}::uuid[], ${hours.map(({ metricId }) => metricId)}::integer[],
                           ${hours.map(({ hour }) => hour)}::timestamptz[]) AS d(gpu_id, metric_id, hour)
    ), samples AS MATERIALIZED (
      SELECT d.gpu_id, d.metric_id, d.hour, s.at, s.value
        FROM due d JOIN inventory.metric_sample s
          ON s.gpu_id = d.gpu_id AND s.metric_id = d.metric_id AND s.at >= d.hour AND s.at < d.hour + interval '1 hour'
    ), minutes AS (
      INSERT INTO inventory.metric_minute AS r (gpu_id, metric_id, at, count, sum, min, max)
      SELECT gpu_id, metric_id, date_trunc('minute', at, 'UTC'), count(*), sum(value ORDER BY at), min(value), max(value)
        FROM samples GROUP BY 1, 2, 3
          ON CONFLICT (gpu_id, metric_id, at) DO UPDATE
         SET count = excluded.count, sum = excluded.sum, min = excluded.min, max = excluded.max, revision = r.revision + 1
       WHERE r.count <> excluded.count
    ), bins AS (
      SELECT gpu_id, metric_id, hour, array_agg(bin ORDER BY bin) AS bins, array_agg(n ORDER BY bin) AS bin_counts
        FROM (SELECT gpu_id, metric_id, hour, ${binOf(sql`value`)} AS bin, count(*)::integer AS n
                FROM samples GROUP BY 1, 2, 3, 4) AS counted
       GROUP BY 1, 2, 3
    ), hours AS (
      INSERT INTO inventory.metric_hour AS r (gpu_id, metric_id, at, count, sum, min, max, bins, bin_counts)
      SELECT gpu_id, metric_id, hour, count(*), sum(value ORDER BY at), min(value), max(value), b.bins, b.bin_counts
        FROM samples JOIN bins b USING (gpu_id, metric_id, hour) GROUP BY 1, 2, 3, b.bins, b.bin_counts
          ON CONFLICT (gpu_id, metric_id, at) DO UPDATE
         SET count = excluded.count, sum = excluded.sum, min = excluded.min, max = excluded.max,
             bins = excluded.bins, bin_counts = excluded.bin_counts, revision = r.revision + 1
       WHERE r.count <> excluded.count
    )
    DELETE FROM inventory.metric_unfolded u USING due d
     WHERE u.gpu_id = d.gpu_id AND u.metric_id = d.metric_id AND u.hour = d.hour`);
