import sql, { empty, join, type Sql } from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import type { SchedulingPolicy } from '../../inventory/index.ts';
import { type Claim, type ClaimOutcome, claimColumns, judged } from '../claims/claim.ts';
import { NotServed, served } from '../claims/not-served.ts';
import { take } from '../claims/take.ts';
import { skippedRoots, withRootsOf } from '../claims/with-roots.ts';
import type { Patience } from '../life/transition.ts';
import { type Found, findCandidates } from './find.ts';
import type { Plan } from './plan.ts';

/** The members of each class that may be taken, the best first, and what such a GPU must be like. */
function offers({ taken }: Found): { ctes: Sql; classes: Sql } {
  const members = [...taken.keys()].flatMap(({ members: of }, at) =>
    of.map(({ gpuId }, place) => ({ gpuId, class: at, place })),
  );
  return {
    classes: sql`unnest(${[...taken.keys()].map((_, at) => at)}::integer[], ${[...taken.values()]}::integer[])
      AS c(class, size)`,
    ctes: sql`offer AS MATERIALIZED (
      SELECT * FROM unnest(${members.map(({ gpuId }) => gpuId)}::uuid[], ${members.map((member) => member.class)}::integer[],
                           ${members.map(({ place }) => place)}::integer[]) AS o(gpu_id, class, place)
    )`,
  };
}

/** What a GPU of a class must still be like: what every part asks that it was counted for. */
const stillFits = (plan: Plan, { taken }: Found): Sql => {
  const classesOf = (part: number) =>
    [...taken.keys()].flatMap(({ parts }, at) => (parts.includes(part) ? [at] : []));
  return join(
    plan.parts.map(
      ({ condition }, part) => sql`(o.class <> ALL(${classesOf(part)}::integer[]) OR ${condition})`,
    ),
    ' AND ',
  );
};

/**
 * Locks GPUs of each class: to `skip`, the best that nobody has locked; to `wait`, the best whoever has them, in the order
 * of their ids.
 */
function locked(plan: Plan, found: Found, classes: Sql, patience: Patience): Sql {
  const columns = sql`${claimColumns}, o.class, o.place`;
  const free = sql`${plan.free} AND ${stillFits(plan, found)}`;
  return patience === 'skip'
    ? sql`taken AS MATERIALIZED (
        SELECT t.* FROM ${classes} CROSS JOIN LATERAL (
          SELECT ${columns} FROM ${plan.tables} JOIN offer o ON o.gpu_id = s.gpu_id WHERE o.class = c.class AND ${free}
           ORDER BY o.place LIMIT c.size FOR NO KEY UPDATE OF s SKIP LOCKED) t
      ), ${skippedRoots(sql`NULL::integer AS class, NULL::integer AS place`)}`
    : sql`awaited AS MATERIALIZED (
        SELECT o.* FROM offer o JOIN ${classes} ON c.class = o.class AND o.place < c.size
      ), locked AS MATERIALIZED (
        SELECT ${columns} FROM ${plan.tables} JOIN (${withRootsOf(sql`awaited`, sql`NULL::integer, NULL::integer`)}) o ON o.gpu_id = s.gpu_id
         WHERE (o.place IS NULL OR (${free})) ORDER BY s.gpu_id FOR NO KEY UPDATE OF s
      )`;
}

/** By which policy GPUs are given out, and what is done about those that somebody has locked. */
export interface Manner {
  policy: SchedulingPolicy;
  patience: Patience;
}

/** Takes a candidate, of each class the best GPUs that are still free: nobody can tell equal ones apart. */
function takeCandidate(
  tx: Transaction,
  plan: Plan,
  found: Found,
  claim: Claim,
  { policy, patience }: Manner,
): Promise<ClaimOutcome> {
  const { classes, ctes } = offers(found);
  return take(tx, claim, {
    possible: sql`true`,
    met: empty,
    ctes: sql`${ctes}, ${locked(plan, found, classes, patience)}, ${judged(claim, policy, sql`s.place IS NOT NULL`)}, nth AS (
      SELECT j.*, row_number() OVER (PARTITION BY j.class ORDER BY j.place) AS nth FROM judged j WHERE j.fits
    ), chosen AS MATERIALIZED (
      SELECT n.* FROM nth n JOIN ${classes} USING (class) WHERE n.nth <= c.size
    )`,
  });
}

/** A candidate that was taken, with its place among those that were found. */
interface Taken {
  place: number;
  allocation: NonNullable<ClaimOutcome['allocation']>;
}

/**
 * Takes the first candidate that can still be had; null where none can. One that fails gives its locks back, so that
 * locks are never taken in two orders.
 */
export async function takeFirst(
  tx: Transaction,
  plan: Plan,
  candidates: readonly Found[],
  claim: Claim,
  manner: Manner,
): Promise<Taken | null> {
  for (const [place, found] of candidates.entries()) {
    const attempt = tx.savepoint(async () => {
      const outcome = await takeCandidate(tx, plan, found, claim, manner);
      if (!outcome.allocation) throw new NotServed(outcome);
      return outcome.allocation;
    });
    const allocation = await served(attempt, () => null);
    if (allocation) return { place, allocation };
  }
  return null;
}

/** Candidates that are tried, however few are shown, before one looks again. */
export const tries = 8;

/** Claims the best candidate of a plan that can still be had. */
export async function claimPlan(
  tx: Transaction,
  plan: Plan,
  claim: Claim,
  manner: Manner,
): Promise<ClaimOutcome> {
  const candidates = await findCandidates(tx, plan, tries);
  const taken = await takeFirst(tx, plan, candidates, claim, manner);
  return { allocation: taken?.allocation ?? null, possible: candidates.length > 0, found: [], refused: [] };
}
