import sql, { type Sql } from 'sql-template-tag';
import type { Queryable } from '../../kernel/db/transaction.ts';
import type { Facts, Sample } from './domain.ts';

const unique = (values: readonly string[]): string[] => [...new Set(values)];

/** `visible` is a condition on `gpu_state s`: the GPUs that the caller may send samples of. */
export async function readFacts(db: Queryable, samples: readonly Sample[], visible: Sql): Promise<Facts> {
  const ids = unique(samples.map(({ gpuId }) => gpuId));
  const names = unique(samples.map(({ metric }) => metric));
  const [row] = await db.rows<{ moment: number; ids: string[]; units: Record<string, string> | null }>(
    sql`/* metrics:facts */
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS moment,
           ARRAY(SELECT s.gpu_id::text FROM inventory.gpu_state s
                  WHERE s.gpu_id = ANY(${ids}::uuid[]) AND ${visible}) AS ids,
           (SELECT jsonb_object_agg(name, unit) FROM inventory.metric WHERE name = ANY(${names}::text[])) AS units`,
  );
  const { moment = 0, ids: gpuIds = [], units = null } = row ?? {};
  return { moment, gpuIds: new Set(gpuIds), units: new Map(Object.entries(units ?? {})) };
}

/**
 * The units of metrics that were new a moment ago: of first samples at once one fixes the unit, the others wait for it
 * and read it with a statement, and so a snapshot, of their own.
 */
export async function fixUnits(
  tx: Queryable,
  fixed: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  const names = [...fixed.keys()].sort();
  await tx.execute(sql`/* metrics:fix_units */
    INSERT INTO inventory.metric (name, unit)
    SELECT * FROM unnest(${names}::text[], ${names.map((name) => fixed.get(name))}::text[]) AS m(name, unit)
        ON CONFLICT (name) DO NOTHING`);
  const rows = await tx.rows<{ name: string; unit: string }>(sql`/* metrics:units */
    SELECT name, unit FROM inventory.metric WHERE name = ANY(${names}::text[])`);
  return new Map(rows.map(({ name, unit }) => [name, unit]));
}

/** How long after its end an hour is open: no mark is taken away before, see `fold.ts`. */
export const openS = 60;

/**
 * Stores samples that are not there yet and marks the hours that they fall into; yields how many it stored. Uniqueness
 * is the key of the table, in the transaction of the effect: nothing is counted twice, and nothing that was not stored.
 *
 * The mark of an open hour is there to stay until long after this transaction; one of a late sample is locked where it
 * is there already, and left as it is (`WHERE FALSE` updates nothing): the fold of that hour waits for this transaction,
 * or this one for the fold, so that no sample can slip in between unseen. Samples and marks are taken in the order of
 * their keys, so that two batches cannot deadlock.
 */
export async function insertSamples(tx: Queryable, samples: readonly Sample[]): Promise<number> {
  const [row] = await tx.rows<{ stored: number }>(sql`/* metrics:insert_samples */
    WITH stored AS (
      INSERT INTO inventory.metric_sample (gpu_id, metric_id, at, value)
      SELECT i.gpu_id, m.id, i.at, i.value
        FROM unnest(${samples.map(({ gpuId }) => gpuId)}::uuid[], ${samples.map(({ metric }) => metric)}::text[],
                    ${samples.map(({ at }) => at)}::timestamptz[], ${samples.map(({ value }) => value)}::float8[])
          AS i(gpu_id, metric, at, value)
        JOIN inventory.metric m ON m.name = i.metric
       ORDER BY i.gpu_id, m.id, i.at
          ON CONFLICT (gpu_id, metric_id, at) DO NOTHING
      RETURNING gpu_id, metric_id, at
    ), hours AS MATERIALIZED (
      SELECT DISTINCT gpu_id, metric_id, date_trunc('hour', at, 'UTC') AS hour FROM stored
    ), open AS (
      INSERT INTO inventory.metric_unfolded (gpu_id, metric_id, hour)
      SELECT * FROM hours WHERE ${isOpen} ORDER BY 1, 2, 3
          ON CONFLICT (gpu_id, metric_id, hour) DO NOTHING
    ), late AS (
      INSERT INTO inventory.metric_unfolded (gpu_id, metric_id, hour)
      SELECT * FROM hours WHERE NOT ${isOpen} ORDER BY 1, 2, 3
          ON CONFLICT (gpu_id, metric_id, hour) DO UPDATE SET hour = excluded.hour WHERE FALSE
    )
    SELECT count(*) AS stored FROM stored`);
  return row?.stored ?? 0;
}

/** By the moment at which the statement began: an hour is open for all of it, or for none. */
const isOpen = sql`(hour > statement_timestamp() - interval '1 hour' - make_interval(secs => ${openS}::integer))`;
