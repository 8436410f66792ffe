import sql, { type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { Principal } from '../../kernel/context.ts';
import type { Queryable, Transaction } from '../../kernel/db/transaction.ts';
import { UNCATALOGUED } from '../catalogue/index.ts';
import type { Benchmark, CreateBenchmark } from './schemas.ts';

export type BenchmarkItem = Static<typeof Benchmark>;
export type BenchmarkRow = Omit<BenchmarkItem, 'percentileOfModel'>;
type Input = Static<typeof CreateBenchmark>;

/** The GPU that was measured, as it stands now, and when. */
export interface Measured {
  nodeId: string;
  providerId: string;
  modelId: string;
  /** As PostgreSQL writes it, to the microsecond. */
  measuredAt: string;
  /** More than 5 minutes ahead of the database's clock. */
  ahead: boolean;
}

/** How many of a model's newest results a new one is compared with. */
const sampleSize = 500;

/** A result as it is stored. */
export const benchmarkColumns = sql`
  b.id, b.gpu_id, b.suite, b.suite_version, b.metric, b.value, b.unit, b.environment, b.model_id, b.node_id,
  b.provider_id, b.outlier, b.measured_at, b.source, b.created_at`;

/** Results that a caller may see: a provider its own, an agent its node's, others all. */
export function visibleBenchmarks({ role, providerId, nodeId }: Principal): Sql {
  if (role === 'provider') return sql`b.provider_id = ${providerId}::uuid`;
  return role === 'agent' ? sql`b.node_id = ${nodeId}::uuid` : sql`TRUE`;
}

export const findMeasured = (tx: Transaction, gpuId: string, measuredAt: string | null) =>
  tx.row<Measured>(sql`/* benchmarks:find_gpu */
    SELECT s.node_id, s.provider_id, s.model_id,
           coalesce(${measuredAt}::timestamptz, clock_timestamp())::text AS measured_at,
           coalesce(${measuredAt}::timestamptz > clock_timestamp() + interval '5 minutes', false) AS ahead
      FROM inventory.gpu_state s
     WHERE s.gpu_id = ${gpuId} AND s.deleted_at IS NULL`);

/**
 * The unit of a metric, which is the given one where the metric is new. Of first results at once one inserts; the
 * others wait for it and then read its unit, with a statement, and so a snapshot, of their own.
 */
export async function fixUnit(
  tx: Transaction,
  { suite, suiteVersion, metric, unit }: Input,
): Promise<string> {
  await tx.execute(sql`/* benchmarks:offer_unit */
    INSERT INTO inventory.benchmark_metric (suite, suite_version, metric, unit)
    VALUES (${suite}, ${suiteVersion}, ${metric}, ${unit}) ON CONFLICT DO NOTHING`);
  const fixed = await tx.row<{ unit: string }>(sql`/* benchmarks:unit */
    SELECT unit FROM inventory.benchmark_metric
     WHERE suite = ${suite} AND suite_version = ${suiteVersion} AND metric = ${metric}`);
  return fixed?.unit ?? unit;
}

/** Values that a new result is compared with; none for a model that is not known, which may be anything. */
export async function sampleOf(
  tx: Queryable,
  modelId: string,
  { suite, suiteVersion, metric }: Input,
): Promise<number[]> {
  if (modelId === UNCATALOGUED) return [];
  const rows = await tx.rows<{ value: number }>(sql`/* benchmarks:sample */
    SELECT value FROM inventory.benchmark
     WHERE model_id = ${modelId} AND suite = ${suite} AND suite_version = ${suiteVersion} AND metric = ${metric}
     ORDER BY created_at DESC LIMIT ${sampleSize}`);
  return rows.map(({ value }) => value);
}

/** Stores a result; it becomes the GPU's standing unless a newer one is there: results may arrive late. */
export const insertBenchmark = async (
  tx: Transaction,
  input: Input,
  { nodeId, providerId, modelId, measuredAt }: Measured,
  made: { id: string; outlier: boolean; source: string },
): Promise<BenchmarkRow> => {
  const row = await tx.row<BenchmarkRow>(sql`/* benchmarks:insert */
    WITH result AS (
      INSERT INTO inventory.benchmark (id, gpu_id, node_id, provider_id, model_id, suite, suite_version, metric,
                                       value, unit, environment, outlier, measured_at, source)
      VALUES (${made.id}, ${input.gpuId}, ${nodeId}, ${providerId}, ${modelId}, ${input.suite}, ${input.suiteVersion},
              ${input.metric}, ${input.value}, ${input.unit}, ${input.environment ?? {}}, ${made.outlier},
              ${measuredAt}, ${made.source})
      RETURNING *
    ), standing AS (
      INSERT INTO inventory.benchmark_standing AS s (gpu_id, suite, suite_version, metric, model_id, value, measured_at)
      SELECT gpu_id, suite, suite_version, metric, model_id, value, measured_at FROM result
          ON CONFLICT (gpu_id, suite, suite_version, metric) DO UPDATE
         SET model_id = excluded.model_id, value = excluded.value, measured_at = excluded.measured_at
       WHERE s.measured_at <= excluded.measured_at
    )
    SELECT ${benchmarkColumns} FROM result b`);
  return row as BenchmarkRow;
};

/**
 * Adds to each result the share of its model's GPUs, in percent, whose newest result is at most its value. Each
 * population is read once, in the order of the index `benchmark_standing_population_idx`, and then searched by bisection,
 * which is how `width_bucket` counts: 500 results of one model with 10,000 GPUs take a read of 10,000 entries, not
 * of 5,000,000.
 */
export async function withPercentiles(
  db: Queryable,
  results: readonly BenchmarkRow[],
): Promise<BenchmarkItem[]> {
  const ids = results.map(({ id }) => id);
  const ranked = await db.rows<{ id: string; percentile: number | null }>(sql`/* benchmarks:percentiles */
    WITH page AS (SELECT * FROM inventory.benchmark WHERE id = ANY(${ids}::uuid[]) AND model_id <> ${UNCATALOGUED}),
    population AS (
      SELECT model_id, suite, suite_version, metric, array_agg(s.value ORDER BY s.value) AS results
        FROM (SELECT DISTINCT model_id, suite, suite_version, metric FROM page) AS metrics
        JOIN inventory.benchmark_standing s USING (model_id, suite, suite_version, metric)
       GROUP BY model_id, suite, suite_version, metric
      HAVING count(*) >= 2
    )
    SELECT id, round(100.0 * width_bucket(page.value, results) / cardinality(results), 2)::double precision AS percentile
      FROM page JOIN population USING (model_id, suite, suite_version, metric)`);
  const percentiles = new Map(ranked.map(({ id, percentile }) => [id, percentile]));
  return results.map((result) => ({ ...result, percentileOfModel: percentiles.get(result.id) ?? null }));
}
