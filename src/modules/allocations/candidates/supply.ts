import sql, { empty, join, raw, type Sql } from 'sql-template-tag';
import { levelAt } from '../../inventory/index.ts';
import { literal, slack } from '../claims/best-gpus.ts';
import { type Objective, objectives, tieBreak } from '../claims/objectives.ts';
import type { Plan, PlannedPart } from './plan.ts';

/** GPUs that no catalogue entry names are of one model only if they have one name. */
const modelKey = sql`CASE s.model_id WHEN 'uncatalogued'
  THEN (SELECT 'uncatalogued ' || lower(g.name) FROM inventory.gpu g WHERE g.id = s.gpu_id) ELSE s.model_id END`;

/** What makes two GPUs equal to somebody who asks; over `gpu_state s`. */
const classColumns = ({ byNode }: Plan): Sql => sql`
  s.region, s.provider_id, s.model_id, ${modelKey} AS model, s.memory_total_mb, s.price_per_hour_nano_usd,
  ${levelAt(sql`clock_timestamp()`)} AS level, s.health, s.total_units,
  ${byNode ? sql`s.node_id` : sql`NULL::uuid`} AS class_node`;

/** The same over a row of these columns and the parts that its GPU fits. */
const classKey = sql`p.parts, p.region, p.provider_id, p.model_id, p.model, p.memory_total_mb,
  p.price_per_hour_nano_usd, p.level, p.health, p.total_units, p.class_node`;

type Restriction = Pick<PlannedPart, 'sameNode' | 'sameModel'>;

/** What the GPUs of a part have in common with each other, or with those of all parts. */
const restrictionOf = ({ together }: Plan, part: PlannedPart): Restriction =>
  together.sameNode || together.sameModel ? together : part;

const isRestricted = ({ sameNode, sameModel }: Restriction): boolean => sameNode || sameModel;

function teamOf({ sameNode, sameModel }: Restriction): Sql {
  if (sameNode && sameModel) return sql`s.node_id::text || ' ' || ${modelKey}`;
  if (sameNode) return sql`s.node_id::text`;
  return sameModel ? modelKey : sql`''`;
}

/** How far to look, beside what the request itself says. */
export interface Reach {
  /** Candidates that are wanted. */
  limit: number;
  /** GPUs to look at of those that any will do for, with all that tie with the last; null for all. */
  depth: number | null;
}

/** The aspects of an objective in the order of their weight, over rows `p` with the free GPUs of the node. */
const aspects = (objective: Objective): Sql[] => objectives[objective].map(({ value }) => value);

/** Those that a GPU's own row tells, over rows `p`. */
const ownAspects = (objective: Objective): Sql[] =>
  objectives[objective].flatMap((aspect) => (aspect.own ? aspect.value : []));

/** Whether the best GPUs of a part by their own rows suffice, and by which aspects these are told. */
function cutOf(plan: Plan, part: PlannedPart): readonly Sql[] {
  return part.distinctProviders || isRestricted(restrictionOf(plan, part)) ? [] : ownAspects(plan.objective);
}

/** Whether a part has more GPUs than are looked at, as far as `seen` of them can tell. */
export const mayHaveMore = (plan: Plan, part: PlannedPart, depth: number | null, seen: number): boolean =>
  depth !== null && cutOf(plan, part).length > 0 && seen >= depth;

/** The aspects that a GPU's own row tells, as columns over `gpu_state s`. */
const ownColumns = ({ objective }: Plan): Sql[] => objectives[objective].flatMap(({ own }) => own ?? []);

const gpuColumns = (plan: Plan): Sql =>
  join([sql`s.gpu_id, s.node_id, s.provider_id, s.node_seq, s.slot_index, s.seq`, ...ownColumns(plan)]);

/** The GPUs that fit a part. */
function fitting(plan: Plan, part: PlannedPart, { depth }: Reach): Sql {
  const cut = cutOf(plan, part);
  const best =
    depth === null || cut.length === 0
      ? empty
      : sql`ORDER BY ${join(cut)} FETCH FIRST ${literal(depth)} ROWS WITH TIES`;
  return sql`SELECT * FROM (
    SELECT ${gpuColumns(plan)}, ${teamOf(restrictionOf(plan, part))} AS team
      FROM ${plan.tables} WHERE ${plan.free} AND ${part.condition}) p ${best}`;
}

/** The CTE `pool`: a row for each part and GPU that fits it. */
function pool(plan: Plan, reach: Reach): Sql {
  const [only, ...others] = plan.parts;
  if (only && others.length === 0)
    return sql`pool AS MATERIALIZED (SELECT 0 AS part, p.* FROM (${fitting(plan, only, reach)}) p)`;
  const picked = plan.parts.map((part) => sql`SELECT gpu_id FROM (${fitting(plan, part, reach)}) p`);
  return sql`picked AS MATERIALIZED (${join(picked, ' UNION ')}), pool AS MATERIALIZED (
    SELECT m.part, ${gpuColumns(plan)}, m.team
      FROM ${plan.tables} CROSS JOIN LATERAL (VALUES ${join(plan.parts.map(membership(plan)))}) m(part, fits, team)
     WHERE ${plan.free} AND m.fits AND s.gpu_id IN (SELECT gpu_id FROM picked))`;
}

const membership = (plan: Plan) => (part: PlannedPart, at: number) =>
  sql`(${literal(at)}, ${part.condition}, ${teamOf(restrictionOf(plan, part))})`;

/** The CTE `placed`: the pool in the order of the objective (`place`), and in that of registration (`rank`). */
function placed({ objective }: Plan): Sql {
  return sql`counted AS (
    SELECT p.*, n.free FROM pool p LEFT JOIN (
      SELECT s.node_id, count(*) AS free FROM inventory.gpu_state s
       WHERE s.node_id IN (SELECT node_id FROM pool) AND s.blocks = 0 AND s.used_units = 0 AND s.deleted_at IS NULL
       GROUP BY s.node_id) n USING (node_id)
  ), placed AS MATERIALIZED (
    SELECT p.*, dense_rank() OVER (ORDER BY ${join(aspects(objective))}, ${tieBreak}) AS place,
           dense_rank() OVER (ORDER BY ${tieBreak}) AS rank
      FROM counted p
  )`;
}

/** The CTE `kept`: the members of the best teams; all GPUs where none need anything in common. */
function kept(plan: Plan, { limit }: Reach): Sql {
  if (!plan.parts.some((part) => isRestricted(restrictionOf(plan, part))))
    return sql`kept AS (SELECT * FROM placed)`;
  const linked = isRestricted(plan.together);
  // Each other GPU of the request can spoil one team; what parts restrict beside it, any number.
  const most = plan.parts.length === 1 ? limit : limit + plan.count;
  const teams = linked && plan.parts.some(isRestricted) ? sql`true` : sql`t.place <= ${most}`;
  const rules = plan.parts.map(
    ({ count, distinctProviders }, at) => sql`(${literal(at)}, ${literal(linked ? 0 : at)},
      ${literal(linked ? plan.parts.length : 1)}, ${literal(count)}, ${distinctProviders}::boolean)`,
  );
  const sums = aspects(plan.objective).map((aspect, at) => ({
    name: raw(`sum_${at}`),
    of: sql`sum(${aspect})`,
  }));
  const firstOfProvider = sql`row_number() OVER (PARTITION BY p.part, p.team, p.provider_id ORDER BY p.place) = 1`;
  return sql`rule(part, rule, parts, size, distinct_providers) AS (VALUES ${join(rules)}), counting AS (
    SELECT p.*, r.rule, r.parts, r.size, CASE WHEN r.distinct_providers THEN ${firstOfProvider} ELSE true END AS counts
      FROM placed p JOIN rule r USING (part)
  ), nth AS (
    SELECT p.*, row_number() OVER (PARTITION BY p.part, p.team ORDER BY p.place) AS nth FROM counting p WHERE p.counts
  ), served AS (
    SELECT p.rule, p.parts, p.team, ${join(sums.map(({ name, of }) => sql`${of} AS ${name}`))}, min(p.rank) AS rank
      FROM nth p WHERE p.nth <= p.size
     GROUP BY p.rule, p.parts, p.team, p.part, p.size HAVING count(*) = p.size
  ), team AS (
    SELECT t.rule, t.team, row_number() OVER (
             PARTITION BY t.rule ORDER BY ${join(sums.map(({ name }) => sql`sum(t.${name})`))}, min(t.rank)) AS place
      FROM served t GROUP BY t.rule, t.parts, t.team HAVING count(*) = t.parts
  ), kept AS (
    SELECT p.* FROM placed p JOIN rule r USING (part) JOIN team t ON t.rule = r.rule AND t.team = p.team
     WHERE ${teams}
  )`;
}

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
  /** Of each member's node. */
  free: number[];
  ranks: number[];
  available: number;
  /** For each part, how many GPUs fitted it among those looked at. */
  seen: number[];
}

/**
 * The free GPUs that fit, counted by class: those that can occur in the best `limit` candidates. A class that is not
 * among the first `count + limit` of the same use cannot: one GPU of each of the others alone makes better candidates.
 */
export function supplySql(plan: Plan, reach: Reach): Sql {
  const members = (column: Sql): Sql =>
    sql`(array_agg(${column} ORDER BY p.place))[1:${literal(plan.count + slack)}]`;
  const own = ownAspects(plan.objective).map((aspect) => sql`min(${aspect})::text`);
  const sameUse = plan.parts.some(({ distinctProviders }) => distinctProviders)
    ? sql`c.parts, c.node_id, c.model, c.provider_id`
    : sql`c.parts, c.node_id, c.model`;
  const seen = plan.parts.map(
    (_, at) => sql`(SELECT count(*) FROM pool WHERE part = ${literal(at)})::integer`,
  );
  return sql`/* allocations:candidates */
    WITH ${pool(plan, reach)}, ${placed(plan)}, ${kept(plan, reach)}, ${gathered(plan)}, class AS (
      SELECT ROW(${classKey})::text AS key, p.parts, p.provider_id, p.model_id, p.model, p.class_node AS node_id,
             ARRAY[${own.length > 0 ? join(own) : empty}]::text[] AS own, min(p.place) AS head,
             ${members(sql`p.gpu_id::text`)} AS gpu_ids, ${members(sql`p.free::integer`)} AS free,
             ${members(sql`p.rank::integer`)} AS ranks, count(*) AS available
        FROM (SELECT f.*, ${join([classColumns(plan), ...ownColumns(plan)])} FROM gathered f JOIN inventory.gpu_state s USING (gpu_id)) p
       GROUP BY ${classKey}
    )
    SELECT c.*, ARRAY[${join(seen)}] AS seen
      FROM (SELECT c.*, row_number() OVER (PARTITION BY ${sameUse} ORDER BY c.head) AS nth FROM class c) c
     WHERE c.nth <= ${plan.count + reach.limit} ORDER BY c.head`;
}

/** The CTE `gathered`: each GPU once, with the parts that it fits. */
const gathered = ({ parts }: Plan): Sql =>
  parts.length === 1
    ? sql`gathered AS (SELECT k.gpu_id, k.place, k.rank, k.free, ARRAY[0] AS parts FROM kept k)`
    : sql`gathered AS (SELECT k.gpu_id, k.place, k.rank, k.free, array_agg(k.part ORDER BY k.part) AS parts
         FROM kept k GROUP BY k.gpu_id, k.place, k.rank, k.free)`;

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
