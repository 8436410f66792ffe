import sql, { join, raw, type Sql } from 'sql-template-tag';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import { allocationStateAt, type SchedulingPolicy, schedulableAt } from '../../inventory/index.ts';
import { isFreeAt } from '../free.ts';
import type { Grouping } from './schemas.ts';

/** One snapshot, one moment: the transaction only reads, and begins with its snapshot. */
export const moment = sql`now()`;

/** What is counted: GPUs of these tables under this condition. */
export interface Counted {
  by: readonly Grouping[];
  tables: Sql;
  condition: Sql;
  limit: number;
  policy: SchedulingPolicy;
}

export interface GroupRow {
  modelId?: string;
  region?: string;
  providerId?: string;
  total: number;
  free: number;
  held: number;
  allocated: number;
  unschedulable: number;
  largestBlock: number;
  minPrice: string | null;
  medianPrice: string | null;
  maxPrice: string | null;
  groups: number;
}

const columns: Readonly<Record<Grouping, string>> = {
  model: 'model_id',
  region: 'region',
  provider: 'provider_id',
};

/** The one state that each GPU is counted under, as its place among these. */
const states = ['free', 'held', 'allocated', 'unschedulable'] as const;
const stateAt = (
  policy: SchedulingPolicy,
): Sql => sql`CASE ${allocationStateAt(moment)} WHEN 'held' THEN 1 WHEN 'allocated' THEN 2
  ELSE CASE WHEN ${schedulableAt(moment, policy)} AND ${isFreeAt(moment)} THEN 0 ELSE 3 END END`;

/** The groups of GPUs, the ones with most free GPUs first. */
export function groupsOf(
  db: Queryable,
  { by, tables, condition, limit, policy }: Counted,
): Promise<GroupRow[]> {
  const keys = raw(by.map((grouping) => columns[grouping]).join(', '));
  const own = raw(by.map((grouping) => `s.${columns[grouping]}`).join(', '));
  const counts = states.map((state, at) => raw(`count(*) FILTER (WHERE state = ${at}) AS ${state}`));
  const sums = ['total', ...states].map((name) => raw(`sum(${name})::bigint AS ${name}`));
  return db.rows(sql`/* allocations:availability */
    WITH gpu AS MATERIALIZED (
      SELECT ${own}, s.node_seq, ${stateAt(policy)} AS state, s.price_per_hour_nano_usd AS price
        FROM ${tables} WHERE ${condition}
    ), block AS (
      SELECT ${keys}, node_seq, count(*) AS total, ${join(counts)} FROM gpu GROUP BY ${keys}, node_seq
    ), found AS (
      SELECT ${keys}, ${join(sums)}, max(free) AS largest_block, count(*) OVER () AS groups
        FROM block GROUP BY ${keys}
    ), price AS (
      SELECT ${keys}, min(price) AS min_price, max(price) AS max_price,
             percentile_disc(0.5) WITHIN GROUP (ORDER BY price) AS median_price
        FROM gpu WHERE state = 0 AND price IS NOT NULL GROUP BY ${keys}
    )
    SELECT f.*, p.min_price::text, p.median_price::text, p.max_price::text
      FROM found f LEFT JOIN price p USING (${keys})
     ORDER BY f.free DESC, f.total DESC, ${keys} LIMIT ${limit}`);
}
