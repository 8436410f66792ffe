import sql, { empty, join, raw, type Sql } from 'sql-template-tag';
import {
  type Best,
  freeGpus,
  freeOnNodes,
  isAmong,
  literal,
  ownColumns,
  ownValues,
  promisingTeams,
  thinned,
} from '../claims/free-gpus.ts';
import { nodeTieBreak, objectives, tieBreak } from '../claims/objectives.ts';
import type { Plan, PlannedPart } from './plan.ts';
import { isLinked, isTeamed, teamOf } from './teamed.ts';

/** How far to look, beside what the request itself says. */
export interface Reach {
  /** Candidates that are wanted. */
  limit: number;
  /** GPUs of each part and team that are looked at. */
  depth: number;
}

/** The aspects of the objective in the order of their weight, over rows `p`. */
const aspects = ({ objective }: Plan): Sql[] => objectives[objective].map(({ value }) => value);

/** Whether a GPU's own row tells all of them. */
const isOwn = ({ objective }: Plan): boolean => objectives[objective].every(({ own }) => own);

/** The best GPU first, over rows `p` of `counted`; no two are equal. */
const order = (plan: Plan): Sql => sql`${join(aspects(plan))}, ${tieBreak}`;

const gpuColumns = ({ objective }: Plan): Sql[] => [
  ...[sql`s.gpu_id`, sql`s.node_seq`, sql`s.slot_index`, sql`s.seq`, sql`s.provider_id`],
  ...ownColumns(objectives[objective]),
];

const named = (name: string, at: number): Sql => raw(`${name}_${at}`);
const fitted = (at: number): Sql => named('fitting', at);

/**
 * Of what the GPUs that come into question are the best: all of the fleet or each model; null where none can be left out,
 * as on nodes, and of models where providers must differ.
 */
function bestOf(plan: Plan, part: PlannedPart): Best['each'] | null {
  if (!isTeamed(plan, part)) return 'fleet';
  const { sameNode, distinctProviders } = part;
  return plan.parts.length > 1 || sameNode || distinctProviders ? null : 'model';
}

/** The CTE `fitting_<n>`: the GPUs that fit a part, no more than could be among the best. */
function fitting(plan: Plan, part: PlannedPart, at: number, { depth }: Reach): Sql {
  const each = bestOf(plan, part);
  const team = sql`${teamOf(plan, part)} AS team`;
  const columns = [...gpuColumns(plan), team];
  if (each === null)
    return sql`${fitted(at)} AS MATERIALIZED ${freeGpus(part, { room: plan.free, columns, best: null })}`;
  const of = objectives[plan.objective];
  const [tied, some, free] = [named('tied', at), named('some', at), named('free', at)];
  const by = isOwn(plan) ? [...ownValues(of), nodeTieBreak] : ownValues(of);
  const judged = isOwn(plan)
    ? tied
    : sql`(SELECT t.*, n.free FROM ${some} t JOIN ${free} n USING (node_seq))`;
  const order = join([...aspects(plan), nodeTieBreak]);
  const best =
    each === 'fleet'
      ? sql`SELECT p.gpu_id FROM ${judged} p ORDER BY ${order} FETCH FIRST ${literal(depth)} ROWS WITH TIES`
      : sql`SELECT p.gpu_id FROM (SELECT p.gpu_id, rank() OVER (PARTITION BY p.team ORDER BY ${order}) AS nth FROM ${judged} p) p
             WHERE p.nth <= ${literal(depth)}`;
  return sql`${tied} AS MATERIALIZED ${freeGpus(part, {
    room: plan.free,
    columns: [sql`s.gpu_id`, sql`s.node_seq`, team, ...ownColumns(of)],
    best: { by, count: depth, each },
  })}, ${isOwn(plan) ? empty : sql`${each === 'fleet' ? thinned(some, tied, of, depth) : sql`${some} AS (SELECT * FROM ${tied} p)`}, ${freeOnNodes(free, some)},`} ${fitted(at)} AS MATERIALIZED (
    SELECT ${join(columns)} FROM inventory.gpu_state s JOIN (${best}) p USING (gpu_id))`;
}

/** Of what fits a part, the teams that are large enough for it. */
const large = (plan: Plan, part: PlannedPart, at: number): Sql =>
  isTeamed(plan, part)
    ? sql`${fitted(at)} WHERE team IN (SELECT team FROM ${fitted(at)} GROUP BY team HAVING count(*) >= ${part.count})`
    : fitted(at);

/** The CTE `pool`: a row for each part and GPU that fits it. */
function pool(plan: Plan, reach: Reach): Sql {
  const found = plan.parts.map((part, at) => fitting(plan, part, at, reach));
  const [only, ...others] = plan.parts;
  if (only && others.length === 0) {
    if (!isTeamed(plan, only)) return sql`${join(found)}, pool AS (SELECT 0 AS part, * FROM ${fitted(0)})`;
    const judged = only.distinctProviders ? [] : objectives[plan.objective];
    const teams = { size: only.count, teams: reach.limit };
    return sql`${join(found)}, ${promisingTeams(fitted(0), judged, teams)}, pool AS MATERIALIZED (
      SELECT 0 AS part, p.* FROM ${fitted(0)} p WHERE ${isAmong(sql`p.team`, sql`SELECT team FROM promising`)})`;
  }
  const picked = plan.parts.map((part, at) => sql`SELECT gpu_id, team FROM ${large(plan, part, at)}`);
  const enough = isLinked(plan)
    ? sql`WHERE team IN (SELECT team FROM union_of_parts GROUP BY team HAVING count(DISTINCT gpu_id) >= ${plan.count})`
    : empty;
  const membership = (part: PlannedPart, at: number) =>
    sql`(${literal(at)}, ${part.condition}, ${teamOf(plan, part)})`;
  return sql`${join(found)}, union_of_parts AS MATERIALIZED (${join(picked, ' UNION ')}), pool AS MATERIALIZED (
    SELECT m.part, ${join(gpuColumns(plan))}, m.team
      FROM ${plan.tables} CROSS JOIN LATERAL (VALUES ${join(plan.parts.map(membership))}) m(part, fits, team)
     WHERE ${plan.free} AND m.fits AND s.gpu_id IN (SELECT gpu_id FROM union_of_parts ${enough}))`;
}

/** The CTE `counted`: the pool with the free GPUs of each node, where the objective asks for them. */
const counted = (plan: Plan): Sql =>
  isOwn(plan)
    ? sql`counted AS (SELECT p.*, 0 AS free FROM pool p)`
    : sql`${freeOnNodes(sql`free_on_node`, sql`pool`)},
      counted AS (SELECT p.*, n.free FROM pool p JOIN free_on_node n USING (node_seq))`;

/** The best GPUs of each part and team, of the teams that can come into question. */
function best(plan: Plan, { limit, depth }: Reach): Sql {
  if (!plan.parts.some((part) => isTeamed(plan, part)) && plan.parts.length === 1)
    return sql`best AS (SELECT p.* FROM counted p ORDER BY ${order(plan)} LIMIT ${literal(depth)})`;
  const linked = isLinked(plan);
  const rules = plan.parts.map(
    ({ count }, at) =>
      sql`(${literal(at)}, ${literal(linked ? 0 : at)}, ${literal(linked ? plan.parts.length : 1)}, ${literal(count)})`,
  );
  // Each other GPU of the request can spoil one team; what parts restrict beside it, any number.
  const most = plan.parts.length === 1 ? limit : limit + plan.count;
  const isSpoilt = linked && plan.parts.some(({ sameNode, sameModel }) => sameNode || sameModel);
  const sums = aspects(plan).map((aspect, at) => ({
    name: raw(`sum_${at}`),
    of: sql`sum(${aspect})`,
  }));
  return sql`rule(part, rule, parts, size) AS (VALUES ${join(rules)}), member AS MATERIALIZED (
    SELECT p.*, row_number() OVER (PARTITION BY p.part, p.team ORDER BY ${order(plan)}) AS nth FROM counted p
  ), served AS (
    SELECT r.rule, r.parts, p.team, ${join(sums.map(({ name, of }) => sql`${of} AS ${name}`))}, min(${registration(plan)}) AS first
      FROM (${leaders(plan)}) p JOIN rule r USING (part) WHERE p.turn <= r.size
     GROUP BY r.rule, r.parts, p.team, p.part, r.size HAVING count(*) = r.size
  ), team AS MATERIALIZED (
    SELECT rule, team FROM (
      SELECT t.rule, t.team, row_number() OVER (
               PARTITION BY t.rule ORDER BY ${join(sums.map(({ name }) => sql`sum(t.${name})`))}, min(t.first)) AS place
        FROM served t GROUP BY t.rule, t.parts, t.team HAVING count(*) = t.parts) t
     ${isSpoilt ? empty : sql`WHERE place <= ${literal(most)}`}
  ), best AS (
    SELECT p.* FROM member p JOIN rule r USING (part)
     WHERE p.nth <= ${literal(depth)} AND ${isAmong(sql`(r.rule, p.team)`, sql`SELECT rule, team FROM team`)}
  )`;
}

/** What orders teams of equal worth: the node registered first and, where teams share nodes, the GPU's index. */
const registration = (plan: Plan): Sql =>
  plan.parts.length === 1 && plan.parts[0]?.sameNode && !plan.parts[0].sameModel
    ? sql`p.node_seq`
    : sql`ARRAY[p.node_seq, coalesce(p.slot_index, 2147483647), p.seq]`;

/** The members that count for a team's worth: of parts with distinct providers, the best of each. */
function leaders({ parts }: Plan): Sql {
  const distinct = parts.flatMap(({ distinctProviders }, at) => (distinctProviders ? [at] : []));
  if (distinct.length === 0) return sql`SELECT m.*, m.nth AS turn FROM member m`;
  const ofProvider = sql`row_number() OVER (PARTITION BY m.part, m.team, m.provider_id ORDER BY m.nth)`;
  return sql`SELECT l.*, row_number() OVER (PARTITION BY l.part, l.team ORDER BY l.nth) AS turn
    FROM (SELECT m.*, ${ofProvider} AS of_provider FROM member m) l
   WHERE l.of_provider = 1 OR l.part <> ALL(${distinct}::integer[])`;
}

/**
 * CTEs that end in `placed`: the free GPUs that matter for the best `limit` candidates, each once for every part that it
 * fits, in the order of the objective (`place`) and in that of registration (`rank`).
 */
export const placedSql = (
  plan: Plan,
  reach: Reach,
): Sql => sql`${pool(plan, reach)}, ${counted(plan)}, ${best(plan, reach)},
  placed AS MATERIALIZED (
    SELECT p.*, dense_rank() OVER (ORDER BY ${order(plan)}) AS place, dense_rank() OVER (ORDER BY ${tieBreak}) AS rank
      FROM best p
  )`;
