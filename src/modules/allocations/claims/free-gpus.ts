import sql, { join, raw, type Sql } from 'sql-template-tag';
import { alongIndexes, isOneWalk } from '../../inventory/index.ts';
import { type Aspect, fewFree } from './objectives.ts';
import type { Fitting } from './wish.ts';

/** A number in the text itself: a plan made once for all then knows that it is small, and walks the index by price. */
export const literal = (count: number): Sql => raw(String(count));

/** GPUs that no catalogue entry names are of one model only if they have one name; over `gpu_state s`. */
export const modelKey = sql`CASE s.model_id WHEN 'uncatalogued'
  THEN (SELECT 'uncatalogued ' || lower(g.name) FROM inventory.gpu g WHERE g.id = s.gpu_id) ELSE s.model_id END`;

/** By these, so many of the best and all that tie with the last of them, of all GPUs or of each model. */
export interface Best {
  by: readonly Sql[];
  count: number;
  each: 'fleet' | 'model';
}

/** What of the GPUs that fit is looked at. */
export interface Look {
  /** What they must be like beside fitting, over `gpu_state s`. */
  room: Sql;
  /** Over `gpu_state s`; few, and of the indexes of free GPUs, as there may be many rows. */
  columns: readonly Sql[];
  /** Null where all are wanted. */
  best: Best | null;
}

/**
 * The nodes with most free GPUs of those that have one that fits: where nothing else counts, so many of them suffice for so
 * many GPUs. One pass over the index of free GPUs by node, in its order.
 */
const emptiestNodes = ({ tables, condition }: Fitting, room: Sql, count: number): Sql => sql`
  SELECT s.node_seq FROM ${tables} WHERE s.blocks = 0 AND s.used_units = 0 AND s.deleted_at IS NULL
   GROUP BY s.node_seq HAVING bool_or(${room} AND ${condition})
   ORDER BY count(*) DESC, s.node_seq LIMIT ${literal(count)}`;

/** Free GPUs that fit, as a query whose rows `p` have the columns; it walks the indexes of free GPUs. */
export function freeGpus(fitting: Fitting, { room, columns, best }: Look): Sql {
  const { tables, walk, open } = fitting;
  const select = (here: Sql, rest = open): Sql =>
    sql`SELECT ${join(columns)} FROM ${tables} WHERE ${here} AND ${room} AND ${rest}`;
  const all = () => alongIndexes(walk, (here) => select(here));
  if (!best) return all();
  if (best.by.length === 0) {
    if (walk.lookups.length > 0 || best.each === 'model') return all();
    return sql`(${select(sql`s.node_seq IN (${emptiestNodes(fitting, room, best.count)})`, fitting.condition)})`;
  }
  const rest = sql`ORDER BY ${join(best.by)} FETCH FIRST ${literal(best.count)} ROWS WITH TIES`;
  const bestOf = (condition: Sql): Sql => sql`SELECT p.* FROM (${select(condition)}) p ${rest}`;
  if (best.each === 'model') {
    // GPUs without a model are of one each by their name.
    const named = alongIndexes(walk, (here) => bestOf(sql`${here} AND s.model_id <> 'uncatalogued'`), true);
    const unnamed = alongIndexes(walk, (here) => select(sql`${here} AND s.model_id = 'uncatalogued'`));
    return sql`(${named} UNION ALL ${unnamed})`;
  }
  const walked = alongIndexes(walk, bestOf);
  return isOneWalk(walk) ? walked : sql`(SELECT p.* FROM ${walked} p ${rest})`;
}

/**
 * Whether a row is one of some that nobody has counted. Looked up in a hash table, which the planner leaves under a CASE: it
 * believes in one row, and would otherwise compare each with each.
 */
export const isAmong = (row: Sql, some: Sql): Sql => sql`CASE WHEN ${row} IN (${some}) THEN true END`;

/** Those of the aspects that a GPU's own row tells, over rows `p`. */
export const ownValues = (aspects: readonly Aspect[]): Sql[] =>
  aspects.flatMap(({ own, value }) => (own ? value : []));

/** The same as columns over `gpu_state s`. */
export const ownColumns = (aspects: readonly Aspect[]): Sql[] => aspects.flatMap(({ own }) => own ?? []);

/** Over `gpu_state s`: what counts as free on a node. */
const isFreeOnNode = sql`s.blocks = 0 AND s.used_units = 0 AND s.deleted_at IS NULL`;

/**
 * A CTE of this name: the free GPUs of the nodes in `pool`. Counted once, whatever the planner believes: without
 * statistics it takes the pool for one row and counts again for each.
 */
export const freeOnNodes = (name: Sql, pool: Sql): Sql => sql`${name} AS MATERIALIZED (
  SELECT s.node_seq, count(*) AS free FROM inventory.gpu_state s
   WHERE s.node_seq IN (SELECT node_seq FROM ${pool}) AND ${isFreeOnNode} GROUP BY s.node_seq
)`;

/** Nodes on which it is tried whether a crowd can be thinned; where it cannot, all of them are counted. */
const triedNodes = 2000;

/**
 * CTEs that end in `name`: the rows of `pool` without those that others of equal worth come before. However many GPUs tie
 * with the last that is wanted, only those on the nodes with fewest free GPUs count, and a node has at least as many as
 * it has in the pool. So nodes are counted in the order of that bound: once `count` of them have no others, what comes
 * after can only have more. Equal GPUs on nodes that have nothing else cost a look at each, and a count of a few nodes.
 */
export function thinned(name: Sql, pool: Sql, aspects: readonly Aspect[], count: number): Sql {
  const own = ownValues(aspects);
  if (own.length === 0 || !aspects.includes(fewFree)) return sql`${name} AS (SELECT * FROM ${pool} p)`;
  const [last, crowd, bound] = ['last', 'crowd', 'bound'].map((part) => raw(`${part}_of_${name.sql}`)) as [
    Sql,
    Sql,
    Sql,
  ];
  const names = own.map((_, at) => raw(`own_${at}`));
  const isTied = join(
    own.map((value, at) => sql`${value} = l.${names[at] as Sql}`),
    ' AND ',
  );
  return sql`${last} AS MATERIALIZED (
    SELECT ${join(own.map((value, at) => sql`${value} AS ${names[at] as Sql}`))} FROM ${pool} p
     ORDER BY ${join(own.map((value) => sql`${value} DESC`))} LIMIT 1
  ), ${crowd} AS MATERIALIZED (
    SELECT p.node_seq, count(*) AS members FROM ${pool} p, ${last} l WHERE ${isTied} GROUP BY p.node_seq
  ), ${bound} AS MATERIALIZED (
    SELECT c.members, c.node_seq FROM (SELECT * FROM ${crowd} ORDER BY members, node_seq LIMIT ${literal(triedNodes)}) c
     WHERE c.members = (SELECT count(*) FROM inventory.gpu_state s WHERE s.node_seq = c.node_seq AND ${isFreeOnNode})
     ORDER BY c.members, c.node_seq LIMIT 1 OFFSET ${literal(count - 1)}
  ), ${name} AS MATERIALIZED (
    SELECT p.* FROM ${pool} p CROSS JOIN ${last} l
     WHERE NOT EXISTS (SELECT FROM ${bound}) OR NOT (${isTied})
        OR p.node_seq IN (SELECT c.node_seq FROM ${crowd} c, ${bound} b WHERE (c.members, c.node_seq) <= (b.members, b.node_seq))
  )`;
}

/** Teams that are summed up to see how good the others must be. */
const sampledTeams = 256;

/**
 * CTEs that end in `promising`: the teams of `pool` that have `size` members and could be among the best `teams` by the
 * first aspect, whose sum over a team is at least `size` times its least. Some that look best are summed up, and what
 * cannot be better than those is left out, before anything is sorted or counted.
 */
export function promisingTeams(
  pool: Sql,
  aspects: readonly Aspect[],
  { size, teams }: { size: number; teams: number },
): Sql {
  const [first] = aspects;
  const large = sql`HAVING count(*) >= ${size}::integer`;
  if (!first?.own) return sql`promising AS MATERIALIZED (SELECT team FROM ${pool} GROUP BY team ${large})`;
  return sql`sized AS MATERIALIZED (
    SELECT p.team, min(${first.value}) AS least FROM ${pool} p GROUP BY p.team ${large}
  ), sampled AS MATERIALIZED (
    SELECT team FROM sized ORDER BY least LIMIT ${literal(Math.max(sampledTeams, teams))}
  ), summed AS (
    SELECT m.team, sum(m.value) AS total
      FROM (SELECT p.team, ${first.value} AS value, row_number() OVER (PARTITION BY p.team ORDER BY ${first.value}) AS nth
              FROM ${pool} p WHERE ${isAmong(sql`p.team`, sql`SELECT team FROM sampled`)}) m
     WHERE m.nth <= ${size}::integer GROUP BY m.team
  ), bar AS MATERIALIZED (SELECT total FROM summed ORDER BY total LIMIT 1 OFFSET ${literal(teams - 1)}
  ), promising AS MATERIALIZED (
    SELECT team FROM sized
     WHERE NOT EXISTS (SELECT FROM bar) OR least::numeric * ${size}::integer <= (SELECT total FROM bar)
  )`;
}
