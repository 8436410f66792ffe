import sql, { empty, join, type Sql } from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import type { SchedulingPolicy } from '../../inventory/index.ts';
import { wholeGpu } from '../life/domain.ts';
import type { Patience } from '../life/transition.ts';
import { type Claim, type ClaimOutcome, claimColumns, judged } from './claim.ts';
import { anyWillDo, type Room, ranking, roomOf, slack } from './ranking.ts';
import { take } from './take.ts';
import type { Wish } from './wish.ts';
import { skippedRoots, withRootsOf } from './with-roots.ts';

/**
 * For how many GPUs a claim waits: for no more than it wants, since a lock stays even on a row that turns out to be of no
 * use, and those who wait for many would queue behind each other on each. For more where a GPU may not go with its
 * partitions.
 */
const awaited = (count: number): Sql =>
  count === 1
    ? sql`1`
    : sql`CASE WHEN EXISTS (SELECT FROM ranked JOIN inventory.gpu_state p USING (gpu_id) WHERE p.root_gpu_id <> p.gpu_id)
          THEN ${count + slack}::bigint ELSE ${count}::bigint END`;

/** Locks GPUs of `ranked`; what changed since the snapshot is looked at again on the locked row. */
function locked({ count, tables, condition }: Wish, room: Room, patience: Patience): Sql {
  const columns = sql`${claimColumns}, k.team, k.place`;
  const fits = sql`((${join(room, ') OR (')})) AND ${condition}`;
  const best = (size: Sql) => sql`SELECT * FROM ranked ORDER BY place LIMIT ${size}`;
  return patience === 'skip'
    ? sql`taken AS MATERIALIZED (
        SELECT ${columns} FROM ${tables} JOIN (${best(sql`${count + slack}`)}) k ON k.gpu_id = s.gpu_id
         WHERE ${fits} ORDER BY k.place LIMIT ${count} FOR NO KEY UPDATE OF s SKIP LOCKED
      ), ${skippedRoots(sql`NULL AS team, NULL::bigint AS place`)}`
    : sql`awaited AS MATERIALIZED (${best(awaited(count))}
      ), locked AS MATERIALIZED (
        SELECT ${columns} FROM ${tables} JOIN (${withRootsOf(sql`awaited`, sql`NULL::text, NULL::bigint`)}) k ON k.gpu_id = s.gpu_id
         WHERE (k.place IS NULL OR ${fits}) ORDER BY s.gpu_id FOR NO KEY UPDATE OF s
      )`;
}

/** Whether a physical GPU and a partition of it are both among those that fit: which of them are best only sets can tell. */
const isMixed = sql`EXISTS (
  SELECT FROM judged p JOIN judged r ON r.gpu_id = p.root_gpu_id AND r.team IS NOT DISTINCT FROM p.team
   WHERE p.gpu_id <> p.root_gpu_id AND p.fits AND r.fits)`;

/**
 * Those that fit; of whole GPUs none where they are mixed. Of shares without what would use a physical GPU both as such and
 * through its partitions: the best of the two decides, unless that leaves too few of a team; partitions are as many or more.
 */
function compatible({ count, share }: Wish): Sql {
  if (count === 1) return sql`compatible AS (SELECT * FROM judged j WHERE j.fits)`;
  if (share === wholeGpu) return sql`compatible AS (SELECT * FROM judged j WHERE j.fits AND NOT ${isMixed})`;
  return sql`compatible AS (
    SELECT * FROM (
      SELECT j.*, count(*) FILTER (WHERE j.as_such = (j.gpu_id = j.root_gpu_id)) OVER (PARTITION BY j.team) >= ${count} AS suffices
        FROM (SELECT j.*, first_value(j.gpu_id = j.root_gpu_id) OVER (family ORDER BY j.place) AS as_such,
                     bool_and(j.gpu_id = j.root_gpu_id) OVER family AS as_such_alone
                FROM judged j WHERE j.fits WINDOW family AS (PARTITION BY j.team, j.root_gpu_id)) j) j
     WHERE (j.gpu_id = j.root_gpu_id) = CASE WHEN j.suffices THEN j.as_such ELSE j.as_such_alone END
  )`;
}

/** The first team that is still whole. */
function chosen(wish: Wish): Sql {
  const { count } = wish;
  if (anyWillDo(wish))
    return sql`${compatible(wish)}, chosen AS MATERIALIZED (
      SELECT * FROM compatible j ORDER BY j.place LIMIT ${count}
    )`;
  return sql`${compatible(wish)}, whole AS (
    SELECT j.*, count(*) OVER team AS members, min(j.place) OVER team AS first,
           row_number() OVER (PARTITION BY j.team ORDER BY j.place) AS nth
      FROM compatible j WINDOW team AS (PARTITION BY j.team)
  ), chosen AS MATERIALIZED (
    SELECT * FROM whole WHERE members >= ${count} AND nth <= ${count} ORDER BY first, place LIMIT ${count}
  )`;
}

/**
 * Claims the best GPUs for a wish; no allocation where `count` of them could not be had in this one statement. To `skip`
 * what others have locked is right among equals; to `wait` for those who have the best is to learn, by another look, what
 * came of them. That nothing is left only `possible` says; of several whole GPUs that are `mixed` none is taken.
 */
export function claimBest(
  tx: Transaction,
  wish: Wish,
  claim: Claim,
  { policy, patience }: { policy: SchedulingPolicy; patience: Patience },
): Promise<ClaimOutcome> {
  const room = roomOf(claim, policy);
  return take(tx, claim, {
    possible: sql`(SELECT count(*) FROM ranked) >= ${wish.count}`,
    met: wish.count > 1 && wish.share === wholeGpu ? sql`, ${isMixed} AS mixed` : empty,
    ctes: join(
      [
        ranking(wish, room),
        locked(wish, room, patience),
        judged(claim, policy, sql`s.place IS NOT NULL`),
        chosen(wish),
      ],
      ', ',
    ),
  });
}
