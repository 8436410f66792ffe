import sql, { join, type Sql } from 'sql-template-tag';
import type { SchedulingPolicy, Walk } from '../../inventory/index.ts';
import { wholeGpu } from '../life/domain.ts';
import type { Claim } from './claim.ts';
import {
  freeGpus,
  freeOnNodes,
  isAmong,
  literal,
  modelKey,
  ownColumns,
  ownValues,
  promisingTeams,
  thinned,
} from './free-gpus.ts';
import { type Aspect, nodeTieBreak, objectives, tieBreak } from './objectives.ts';
import { isFree, isPartlyUsed } from './room.ts';
import type { Fitting, Wish } from './wish.ts';

/** More GPUs than asked for are looked at, so that claims which run beside each other need not meet on the same ones. */
export const slack = 32;

/** GPUs of one team may be taken together; one team of all where the request does not care. */
function teamOf({ sameNode, sameModel }: Wish): Sql {
  if (sameNode && sameModel) return sql`s.node_seq || ' ' || ${modelKey}`;
  if (sameNode) return sql`s.node_seq`;
  return sameModel ? modelKey : sql`''`;
}

/** Whether any of the fitting GPUs may go with any other. */
export const anyWillDo = ({ sameNode, sameModel, distinctProviders }: Wish): boolean =>
  !(sameNode || sameModel || distinctProviders);

/** Whether the best GPUs, of each model at least, are all that could be part of an answer. */
const bestWillDo = ({ sameNode, distinctProviders }: Wish): boolean => !(sameNode || distinctProviders);

/** A share goes to the fullest GPU, then to the best by the objective. */
const fullness: Aspect = { value: sql`-p.used_units`, own: sql`s.used_units` };

const aspectsOf = ({ objective, share }: Wish): readonly Aspect[] =>
  share < wholeGpu ? [fullness, ...objectives[objective]] : objectives[objective];

const values = (wish: Wish): Sql[] => aspectsOf(wish).map(({ value }) => value);

/** Where the best will do, more is read of these alone. */
const poolColumns = (wish: Wish): Sql[] => [
  sql`s.gpu_id`,
  sql`s.node_seq`,
  ...ownColumns(aspectsOf(wish)),
  ...(anyWillDo(wish) ? [] : [sql`${teamOf(wish)} AS team`]),
  ...(bestWillDo(wish) ? [] : [sql`s.slot_index`, sql`s.seq`, sql`s.provider_id`]),
];

/** What a GPU must be like to be taken, one condition for each index that is walked. */
export type Room = readonly [Sql, ...Sql[]];

export const roomOf = (claim: Claim, policy: SchedulingPolicy): Room =>
  claim.share < wholeGpu ? [isFree(claim, policy), isPartlyUsed(claim, policy)] : [isFree(claim, policy)];

/** Those in use in part are so few that nothing is gained by looking for some of them. */
const anywhere: Walk = { lookups: [], end: null, open: [] };

/** So many times as many GPUs as are looked at are read where each must be of another provider. */
const perProvider = 8;

/**
 * The fitting GPUs with what they are judged by. Where the best will do, those by the aspects of their own rows suffice,
 * with all that tie with the last of them. Where only providers must differ the best suffice too if they are of providers
 * enough: whoever is not among them has none that is better.
 */
function pool(wish: Wish, [free, ...partlyUsed]: Room): Sql {
  const size = wish.count + slack;
  const gpus = (room: Sql, aspects: readonly Aspect[], fitting: Fitting, count: number | null): Sql => {
    const by = aspects.every(({ own }) => own) ? [...ownValues(aspects), nodeTieBreak] : ownValues(aspects);
    const best =
      count === null ? null : { by, count, each: wish.sameModel ? ('model' as const) : ('fleet' as const) };
    return freeGpus(fitting, { room, columns: poolColumns(wish), best });
  };
  const own = objectives[wish.objective];
  if (wish.distinctProviders && !wish.sameNode && !wish.sameModel && partlyUsed.length === 0) {
    const providers = sql`(SELECT count(DISTINCT provider_id) FROM few)`;
    return sql`few AS MATERIALIZED (${gpus(free, own, wish, size * perProvider)}), pool AS MATERIALIZED (
      SELECT * FROM few WHERE ${providers} >= ${literal(size)}
      UNION ALL SELECT * FROM ${gpus(free, own, wish, null)} p WHERE ${providers} < ${literal(size)})`;
  }
  const count = bestWillDo(wish) ? size : null;
  const used = { ...wish, walk: anywhere, open: wish.condition };
  const parts = partlyUsed.map((room) => gpus(room, aspectsOf(wish), used, count));
  return sql`pool AS MATERIALIZED (${join([gpus(free, own, wish, count), ...parts], ' UNION ALL ')})`;
}

/**
 * The pool without teams that are too small, with the free GPUs of each node where the objective asks for them.
 * Maintenance needs no look here: it is the whole node's, and keeps all its GPUs out of the pool.
 */
function counted(wish: Wish): Sql {
  const aspects = aspectsOf(wish);
  const isOwn = aspects.every(({ own }) => own);
  const free = sql`${freeOnNodes(sql`free_on_node`, sql`large`)}, counted AS (
    SELECT p.*, coalesce(n.free, 0) AS free FROM large p LEFT JOIN free_on_node n USING (node_seq)
  )`;
  const rest = isOwn ? sql`counted AS (SELECT * FROM large p)` : free;
  return sql`${large(wish, aspects)}, ${rest}`;
}

/** The CTE `large`: what of the pool could be part of an answer by the aspects of the GPUs' own rows. */
function large(wish: Wish, aspects: readonly Aspect[]): Sql {
  const { count, distinctProviders, share } = wish;
  if (!anyWillDo(wish)) {
    const teams = { size: count, teams: count + slack };
    return sql`${promisingTeams(sql`pool`, distinctProviders ? [] : aspects, teams)}, large AS MATERIALIZED (
      SELECT * FROM pool p WHERE ${isAmong(sql`p.team`, sql`SELECT team FROM promising`)})`;
  }
  return share === wholeGpu
    ? thinned(sql`large`, sql`pool`, aspects, count + slack)
    : sql`large AS MATERIALIZED (SELECT * FROM pool p)`;
}

/** The best GPUs, of each team where there are any, with what decides among equal ones of one node. */
function looked(wish: Wish): Sql {
  const order = join([...values(wish), nodeTieBreak]);
  const size = literal(wish.count + slack);
  const best = anyWillDo(wish)
    ? sql`SELECT p.* FROM counted p ORDER BY ${order} FETCH FIRST ${size} ROWS WITH TIES`
    : sql`SELECT p.* FROM (SELECT p.*, rank() OVER (PARTITION BY p.team ORDER BY ${order}) AS nth FROM counted p) p
           WHERE p.nth <= ${size}`;
  return bestWillDo(wish)
    ? sql`looked AS (SELECT p.*, s.slot_index, s.seq FROM (${best}) p JOIN inventory.gpu_state s USING (gpu_id))`
    : sql`looked AS (SELECT * FROM counted p)`;
}

/** The GPUs that could be part of an answer, best first, as many as are looked at. */
function ranked(wish: Wish): Sql {
  const order = sql`${join(values(wish))}, ${tieBreak}`;
  if (!anyWillDo(wish)) return rankedTeams(wish, order);
  return sql`ranked AS MATERIALIZED (
    SELECT p.gpu_id, NULL AS team, row_number() OVER (ORDER BY ${order}) AS place
      FROM looked p ORDER BY place LIMIT ${literal(wish.count + slack)}
  )`;
}

/** The node registered first, then the GPU's index: of a team, its first member's. */
const registration = sql`ARRAY[p.node_seq, coalesce(p.slot_index, 2147483647), p.seq]`;

/**
 * Teams by the sum of each aspect over their best `count` members, members by their own aspects: what is
 * lexicographically least of every GPU is so of the sum.
 */
function rankedTeams(wish: Wish, order: Sql): Sql {
  const { distinctProviders, count } = wish;
  const sums = join(values(wish).map((value) => sql`sum(${value})`));
  const oneOfEach = distinctProviders
    ? sql`SELECT DISTINCT ON (p.team, p.provider_id) p.* FROM looked p ORDER BY p.team, p.provider_id, ${order}`
    : sql`SELECT p.* FROM looked p`;
  return sql`member AS (
    SELECT p.*, row_number() OVER (PARTITION BY p.team ORDER BY ${order}) AS turn FROM (${oneOfEach}) p
  ), team AS MATERIALIZED (
    SELECT p.team, row_number() OVER (ORDER BY ${sums}, min(${registration})) AS place
      FROM member p WHERE p.turn <= ${count} GROUP BY p.team HAVING count(*) = ${count}
     ORDER BY place LIMIT ${literal(count + slack)}
  ), ranked AS MATERIALIZED (
    SELECT m.gpu_id, m.team::text, row_number() OVER (ORDER BY t.place, m.turn) AS place
      FROM (SELECT * FROM member m WHERE ${isAmong(sql`m.team`, sql`SELECT team FROM team`)}) m JOIN team t USING (team)
  )`;
}

/** CTEs that end in `ranked`: the GPUs for a wish in the order in which they are wanted, as of the statement's snapshot. */
export const ranking = (wish: Wish, room: Room): Sql =>
  join([pool(wish, room), counted(wish), looked(wish), ranked(wish)], ', ');
