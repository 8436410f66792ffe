import sql, { raw, type Sql } from 'sql-template-tag';
import type { Queryable } from '../../kernel/db/transaction.ts';
import type { Aggregate, Grouping, Question } from './question.ts';
import { rolledUntil } from './resolution.ts';
import { binOf, middleOf } from './sketch.ts';

/** A bucket that holds samples. */
export interface PointRow {
  key: string;
  /** Its place in the range, from 0. */
  index: number;
  value: number;
  revision: number | null;
}

const keys: Readonly<Record<Grouping, Sql>> = {
  gpu: sql`s.gpu_id`,
  node: sql`s.node_id`,
  provider: sql`s.provider_id`,
  model: sql`s.model_id`,
};

const shares = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

/** Over readings `{count, sum, min, max}`, each of one sample or of many. */
const merged: Readonly<Record<Exclude<Aggregate, keyof typeof shares>, Sql>> = {
  avg: sql`sum(sum) / sum(count)`,
  min: sql`min(min)`,
  max: sql`max(max)`,
  sum: sql`sum(sum)`,
  count: sql`sum(count)::float8`,
};

const isPercentile = (agg: Aggregate): agg is keyof typeof shares => agg in shares;

export interface Asked {
  question: Question;
  metricId: number;
}

/** Columns of one reading; `extra` says what a sketch adds of its own. */
const sampleColumns = (extra: Sql): Sql =>
  sql`g.key, v.at, 1 AS count, v.value AS sum, v.value AS min, v.value AS max, NULL::integer AS revision${extra}`;

const samplesOf = ({ metricId }: Asked): Sql =>
  sql`JOIN inventory.metric_sample v ON v.gpu_id = g.gpu_id AND v.metric_id = ${metricId}::integer`;

const samples = (asked: Asked, from: string, to: string, extra = sql``): Sql => sql`
  SELECT ${sampleColumns(extra)} FROM gpus g ${samplesOf(asked)}
     AND v.at >= ${from}::timestamptz AND v.at < ${to}::timestamptz`;

/** Each hour is looked up by itself: joined, a planner that expects few of them compares all samples with all hours. */
const fence = sql`OFFSET 0`;

/**
 * Readings from roll-ups. Hours that are not folded yet, or not again, are read from their samples, in the same
 * snapshot: an answer holds whatever was stored before it, however far the fold lags behind.
 */
function rolled(
  asked: Asked,
  extra: { samples: Sql; rollups: Sql } = { samples: sql``, rollups: sql`` },
): Sql {
  const { question, metricId } = asked;
  const { from, to, source } = question;
  const until = rolledUntil(to, source);
  const rest = until < to ? sql`UNION ALL ${samples(asked, until, to, extra.samples)}` : sql``;
  return sql`
    SELECT g.key, r.at, r.count, r.sum, r.min, r.max, r.revision${extra.rollups}
      FROM gpus g JOIN inventory.${raw(`metric_${source}`)} r ON r.gpu_id = g.gpu_id AND r.metric_id = ${metricId}::integer
       AND r.at >= ${from}::timestamptz AND r.at < ${until}::timestamptz
     WHERE NOT EXISTS (SELECT FROM unfolded u WHERE u.gpu_id = r.gpu_id AND u.hour = date_trunc('hour', r.at, 'UTC'))
    UNION ALL
    SELECT ${sampleColumns(extra.samples)}
      FROM gpus g JOIN unfolded u ON u.gpu_id = g.gpu_id CROSS JOIN LATERAL (
        SELECT v.at, v.value FROM inventory.metric_sample v
         WHERE v.gpu_id = u.gpu_id AND v.metric_id = ${metricId}::integer
           AND v.at >= greatest(u.hour, ${from}::timestamptz)
           AND v.at < least(u.hour + interval '1 hour', ${until}::timestamptz) ${fence}) AS v
    ${rest}`;
}

const marks = (table: string, { question: { from, to }, metricId }: Asked): Sql => sql`
    SELECT u.gpu_id, u.hour FROM inventory.${raw(table)} u
     WHERE u.metric_id = ${metricId}::integer AND u.gpu_id IN (SELECT gpu_id FROM gpus)
       AND u.hour > ${from}::timestamptz - interval '1 hour' AND u.hour < ${to}::timestamptz`;

const unfolded = (asked: Asked): Sql => sql`
  unfolded AS MATERIALIZED (${marks('metric_unfolded', asked)} UNION ${marks('metric_late', asked)})`;

/** The bucket of a reading, counted from the begin of the range. */
const bucket = ({ question: { from, stepS } }: Asked): Sql =>
  sql`date_bin(make_interval(secs => ${stepS}::float8), at, ${from}::timestamptz)`;

const share = (agg: keyof typeof shares): Sql => sql`${shares[agg]}::float8`;

/** `{key, bucket, value, revision}` of every bucket that holds samples. */
function points(asked: Asked): Sql {
  const { agg, source } = asked.question;
  if (source === 'hour' && isPercentile(agg)) return sketchedPoints(asked, share(agg));
  const readings = source === 'raw' ? samples(asked, asked.question.from, asked.question.to) : rolled(asked);
  const value = isPercentile(agg)
    ? sql`percentile_cont(${share(agg)}) WITHIN GROUP (ORDER BY sum)`
    : merged[agg];
  return sql`
    SELECT key, ${bucket(asked)} AS bucket, ${value} AS value, max(revision) AS revision
      FROM (${readings}) AS readings GROUP BY 1, 2`;
}

/** The value of the bin in which the sample of that rank lies; never beyond the least and the greatest of the bucket. */
function sketchedPoints(asked: Asked, quantile: Sql): Sql {
  const readings = rolled(asked, {
    samples: sql`, ARRAY[${binOf(sql`v.value`)}] AS bins, ARRAY[1] AS bin_counts`,
    rollups: sql`, r.bins, r.bin_counts`,
  });
  return sql`
    SELECT DISTINCT ON (key, bucket) key, bucket, greatest(least(${middleOf(sql`bin`)}, max), min) AS value, revision
      FROM (SELECT key, bucket, bin, min(min) OVER whole AS min, max(max) OVER whole AS max,
                   max(revision) OVER whole AS revision, sum(n) OVER whole AS total,
                   sum(n) OVER (PARTITION BY key, bucket ORDER BY bin) AS upto
              FROM (SELECT key, ${bucket(asked)} AS bucket, b.bin, sum(b.n) AS n, min(min), max(max), max(revision) AS revision
                      FROM (${readings}) AS readings CROSS JOIN LATERAL unnest(bins, bin_counts) AS b(bin, n)
                     GROUP BY 1, 2, 3) AS counted
            WINDOW whole AS (PARTITION BY key, bucket)) AS ranked
     WHERE upto > ${quantile} * (total - 1)
     ORDER BY key, bucket, bin`;
}

/** Live and deleted ones have indexes of their own, by provider, node and model. */
const gpusAsked = ({ groupBy, gpus }: Question, visible: Sql, state: Sql): Sql => sql`
  SELECT s.gpu_id, ${keys[groupBy]}::text AS key FROM inventory.gpu_state s WHERE ${state} AND ${visible} AND ${gpus}`;

/** Buckets that hold samples, of at most `limit` series; `visible` is a condition on `gpu_state s`. */
export function readPoints(db: Queryable, asked: Asked, visible: Sql, limit: number): Promise<PointRow[]> {
  const { question } = asked;
  const best = question.top === null ? sql`` : sql`avg(value) DESC,`;
  return db.rows<PointRow>(sql`/* metrics:points */
    WITH gpus AS MATERIALIZED (
      ${gpusAsked(question, visible, sql`s.deleted_at IS NULL`)}
      UNION ALL ${gpusAsked(question, visible, sql`s.deleted_at IS NOT NULL`)}
    ), ${unfolded(asked)}, points AS MATERIALIZED (${points(asked)}), chosen AS (
      SELECT key, row_number() OVER (ORDER BY ${best} key) AS place FROM points GROUP BY key
       ORDER BY place LIMIT ${limit}::integer
    )
    SELECT key, (extract(epoch FROM bucket - ${question.from}::timestamptz) / ${question.stepS}::float8)::integer AS index,
           value, revision
      FROM chosen JOIN points USING (key) ORDER BY place, index`);
}
