import sql, { empty, type Sql } from 'sql-template-tag';
import type { Queryable } from '../../kernel/db/transaction.ts';
import { columnsOf } from './columns.ts';
import { aheadMs, type Facts, type Sample } from './domain.ts';

/** The days among these (`2026-01-31`) that there may be samples of: of others none is stored. */
export async function storableDays(
  db: Queryable,
  days: readonly string[],
  keepDays: number,
): Promise<string[]> {
  const rows = await db.rows<{ day: string }>(sql`/* metrics:storable_days */
    SELECT day::text FROM unnest(${days}::date[]) AS d(day)
     WHERE day >= (clock_timestamp() AT TIME ZONE 'UTC')::date - ${keepDays}::integer
       AND day <= (clock_timestamp() AT TIME ZONE 'UTC')::date + 1`);
  return rows.map(({ day }) => day);
}

/**
 * The units of metrics that are new: of first samples at once one fixes the unit, the others wait for it and find it with
 * a statement, and so a snapshot, of their own.
 */
export const fixUnits = (tx: Queryable, fixed: ReadonlyMap<string, string>): Promise<number> => {
  const names = [...fixed.keys()].sort();
  return tx.execute(sql`/* metrics:fix_units */
    INSERT INTO inventory.metric (name, unit)
    SELECT * FROM unnest(${names}::text[], ${names.map((name) => fixed.get(name))}::text[]) AS m(name, unit)
        ON CONFLICT (name) DO NOTHING`);
};

/** How long after its end an hour is open: no mark is taken away before, see `fold.ts`. */
export const openS = 60;

/** Of a batch, by the moment at which the statement began: an hour is open for all of it, or for none. */
const isOpen = sql`(hour > statement_timestamp() - interval '1 hour' - make_interval(secs => ${openS}::integer))`;

export interface Batch {
  samples: readonly Sample[];
  /** A condition on `gpu_state s`: the GPUs that the caller may send samples of. */
  visible: Sql;
  keepDays: number;
  /**
   * Whether some of these samples may be there already, and metrics may be new. Otherwise nothing is stored where a metric is
   * new or the first sample of a series is there, and where another one is the statement fails: to be ready for each row to
   * be there costs half as much again.
   */
  isContested: boolean;
}

export interface Taken {
  /** Samples that were not there yet; null where nothing was stored, since it is contested. */
  stored: number | null;
  /** What they were judged by, where one or more of them were refused. */
  facts: Facts | null;
}

interface TakenRow {
  stored: number;
  isContested: boolean;
  facts: { moment: number; gpuIds: string[]; units: Record<string, string> | null } | null;
}

/**
 * Judges samples (by the rules of `judge`), stores those that are not there yet and marks the hours that they fall into,
 * in one statement. Uniqueness is the key of the table, in the transaction of the effect: nothing is counted twice, and
 * nothing that was not stored.
 *
 * Nothing here waits for a fold. The mark of an open hour is written once and stays until long after this transaction; an
 * hour that is over gets a mark of this batch's own, which is seen with its samples or not at all. Samples and marks are
 * taken in one order of GPU, metric and moment, so that two batches cannot deadlock.
 */
export async function takeSamples(tx: Queryable, batch: Batch): Promise<Taken> {
  const { visible, keepDays, isContested } = batch;
  const { gpuIds, metrics, units, firstAts, moments, series, ats, values } = columnsOf(batch.samples);
  const stored = isContested ? sql`stored` : sql`kept`;
  const [row] = await tx.rows<TakenRow>(sql`/* metrics:take_samples */
    WITH series AS MATERIALIZED (
      SELECT i.place, s.gpu_id, i.metric, m.unit,
             CASE WHEN s.gpu_id IS NOT NULL AND m.unit = i.unit THEN m.id ELSE 0 END AS metric_id,
             m.id IS NULL OR EXISTS (SELECT FROM inventory.metric_sample o
                                      WHERE o.gpu_id = i.gpu_id AND o.metric_id = m.id AND o.at = i.at
                                        AND o.at >= ${moments[0]}::timestamptz AND o.at <= ${moments.at(-1)}::timestamptz)
               AS is_contested
        FROM unnest(${gpuIds}::uuid[], ${metrics}::text[], ${units}::text[], ${firstAts}::timestamptz[]) WITH ORDINALITY
          AS i(gpu_id, metric, unit, at, place)
        LEFT JOIN inventory.gpu_state s ON s.gpu_id = i.gpu_id AND ${visible}
        LEFT JOIN inventory.metric m ON m.name = i.metric
    ), judged AS MATERIALIZED (
      SELECT array_agg(metric_id ORDER BY place) AS metric_ids,
             NOT ${isContested}::boolean AND bool_or(is_contested) AS is_contested, at.moment,
             at.moment - make_interval(hours => ${keepDays * 24}::integer) AS oldest,
             at.moment + make_interval(secs => ${(aheadMs + 1) / 1000}::float8) AS too_far
        FROM series, date_trunc('milliseconds', statement_timestamp()) AS at(moment) GROUP BY at.moment
    ), kept AS MATERIALIZED (
      SELECT (${gpuIds}::uuid[])[i.series] AS gpu_id, j.metric_ids[i.series] AS metric_id, a.at, i.value, i.place
        FROM judged j
       CROSS JOIN unnest(${series}::integer[], ${ats}::integer[], ${values}::float8[]) WITH ORDINALITY
               AS i(series, moment, value, place)
       CROSS JOIN LATERAL (SELECT (${moments}::timestamptz[])[i.moment] AS at) AS a
       WHERE NOT j.is_contested AND j.metric_ids[i.series] > 0 AND a.at >= j.oldest AND a.at < j.too_far
    ), stored AS (
      INSERT INTO inventory.metric_sample (gpu_id, metric_id, at, value)
      SELECT gpu_id, metric_id, at, value FROM kept ORDER BY place
      ${isContested ? sql`ON CONFLICT (gpu_id, metric_id, at) DO NOTHING RETURNING gpu_id, metric_id, at` : empty}
    ), hours AS MATERIALIZED (
      SELECT DISTINCT gpu_id, metric_id, date_bin('1 hour', at, '2000-01-01Z') AS hour FROM ${stored}
    ), open AS (
      INSERT INTO inventory.metric_unfolded (gpu_id, metric_id, hour)
      SELECT * FROM hours WHERE ${isOpen} ORDER BY 1, 2, 3
          ON CONFLICT (gpu_id, metric_id, hour) DO NOTHING
    ), late AS (
      INSERT INTO inventory.metric_late (gpu_id, metric_id, hour) SELECT * FROM hours WHERE NOT ${isOpen}
    )
    SELECT (SELECT count(*) FROM ${stored}) AS stored, (SELECT is_contested FROM judged) AS is_contested,
           CASE WHEN (SELECT count(*) FROM kept) < cardinality(${series}::integer[]) THEN jsonb_build_object(
             'moment', (SELECT floor(extract(epoch FROM moment) * 1000) FROM judged),
             'gpuIds', (SELECT coalesce(jsonb_agg(DISTINCT gpu_id) FILTER (WHERE gpu_id IS NOT NULL), '[]') FROM series),
             'units', (SELECT jsonb_object_agg(metric, unit) FILTER (WHERE unit IS NOT NULL) FROM series)) END AS facts`);
  const taken = row as TakenRow;
  return { stored: taken.isContested ? null : taken.stored, facts: taken.facts && factsOf(taken.facts) };
}

const factsOf = ({ moment, gpuIds, units }: NonNullable<TakenRow['facts']>): Facts => ({
  moment,
  gpuIds: new Set(gpuIds),
  units: new Map(Object.entries(units ?? {})),
});
