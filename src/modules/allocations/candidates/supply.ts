import sql, { empty, join, type Sql } from 'sql-template-tag';
import { levelAt } from '../../inventory/index.ts';
import { literal, modelKey, ownColumns, ownValues } from '../claims/free-gpus.ts';
import { objectives } from '../claims/objectives.ts';
import { slack } from '../claims/ranking.ts';
import type { Plan } from './plan.ts';
import { placedSql, type Reach } from './pool.ts';

/** What makes two GPUs equal to somebody who asks; over `gpu_state s`. */
const classColumns = ({ byNode }: Plan): Sql => sql`
  s.region, s.provider_id, s.model_id, ${modelKey} AS model, s.memory_total_mb, s.price_per_hour_nano_usd,
  ${levelAt(sql`clock_timestamp()`)} AS level, s.health, s.total_units,
  ${byNode ? sql`s.node_id` : sql`NULL::uuid`} AS class_node`;

/** The same over a row of these columns and the parts that its GPU fits. */
const classKey = sql`p.parts, p.region, p.provider_id, p.model_id, p.model, p.memory_total_mb,
  p.price_per_hour_nano_usd, p.level, p.health, p.total_units, p.class_node`;

/** A class as SQL counts it: members best first, as many as a candidate can take and a few more. */
export interface ClassRow {
  /** The class as text, to be found again. */
  key: string;
  parts: number[];
  providerId: string;
  modelId: string;
  model: string;
  nodeId: string | null;
  /** The objective's aspects that are the same for all members. */
  own: string[];
  gpuIds: string[];
  /** The physical GPU of each member: itself, or what it is a partition of. */
  rootGpuIds: string[];
  /** Of each member's node. */
  free: number[];
  ranks: number[];
  /** Members among the GPUs that were looked at. */
  available: number;
}

/**
 * The free GPUs that fit, counted by class: those that can occur in the best `limit` candidates. A class that is not
 * among the first `count + limit` of the same use cannot: one GPU of each of the others alone makes better candidates.
 */
export function supplySql(plan: Plan, reach: Reach): Sql {
  const members = (column: Sql): Sql =>
    sql`(array_agg(${column} ORDER BY p.place))[1:${literal(plan.count + slack)}]`;
  const aspects = objectives[plan.objective];
  const own = ownValues(aspects).map((aspect) => sql`min(${aspect})::text`);
  const sameUse = plan.parts.some(({ distinctProviders }) => distinctProviders)
    ? sql`c.parts, c.node_id, c.model, c.provider_id`
    : sql`c.parts, c.node_id, c.model`;
  return sql`/* allocations:candidates */
    WITH ${placedSql(plan, reach)}, ${gathered(plan)}, class AS (
      SELECT ROW(${classKey})::text AS key, p.parts, p.provider_id, p.model_id, p.model, p.class_node AS node_id,
             ARRAY[${own.length > 0 ? join(own) : empty}]::text[] AS own, min(p.place) AS head,
             ${members(sql`p.gpu_id::text`)} AS gpu_ids, ${members(sql`p.root_gpu_id::text`)} AS root_gpu_ids,
             ${members(sql`p.free::integer`)} AS free,
             ${members(sql`p.rank::integer`)} AS ranks, count(*) AS available
        FROM (SELECT f.*, s.root_gpu_id, ${join([classColumns(plan), ...ownColumns(aspects)])} FROM gathered f JOIN inventory.gpu_state s USING (gpu_id)) p
       GROUP BY ${classKey}
    )
    SELECT c.* FROM (SELECT c.*, row_number() OVER (PARTITION BY ${sameUse} ORDER BY c.head) AS nth FROM class c) c
     WHERE c.nth <= ${plan.count + reach.limit} ORDER BY c.head`;
}

/** The CTE `gathered`: each GPU once, with all the parts that it fits. */
const gathered = ({ parts }: Plan): Sql =>
  parts.length === 1
    ? sql`gathered AS (SELECT k.gpu_id, k.place, k.rank, k.free, ARRAY[0] AS parts FROM placed k)`
    : sql`gathered AS (
        SELECT k.gpu_id, k.place, k.rank, k.free, array_agg(p.part ORDER BY p.part) AS parts
          FROM (SELECT DISTINCT gpu_id, place, rank, free FROM placed) k JOIN pool p USING (gpu_id)
         GROUP BY k.gpu_id, k.place, k.rank, k.free)`;

/** All free GPUs of some classes that were shown, where not all were looked at. */
export const availableSql = (
  plan: Plan,
  providerIds: readonly string[],
): Sql => sql`/* allocations:available */
  SELECT ROW(${classKey})::text AS key, count(*) AS available
    FROM (SELECT ${partsOf(plan)} AS parts, ${classColumns(plan)}
            FROM ${plan.tables} WHERE ${plan.free} AND s.provider_id = ANY(${providerIds}::uuid[])) p
   WHERE p.parts <> '{}' GROUP BY ${classKey}`;

const partsOf = (plan: Plan): Sql =>
  sql`ARRAY(SELECT m.part FROM (VALUES ${join(
    plan.parts.map(({ condition }, at) => sql`(${literal(at)}, ${condition})`),
  )}) m(part, fits) WHERE m.fits ORDER BY m.part)`;
