import sql, { empty, type Sql } from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import type { IfMatch } from '../../../kernel/http/etag.ts';
import { type CleaningPolicy, shutGates } from '../cleaning/gate.ts';
import { announce, changed, type Events, touchedOf, type Written } from '../record.ts';
import { allocationColumns, stateAt, storedGpus } from '../view.ts';
import { type Action, transitions } from './domain.ts';

/** What to do about rows that somebody else has locked: pass over them, or wait. */
export type Patience = 'skip' | 'wait';

/** One step of the state machine, for one allocation or for many. */
export interface Step {
  action: Action;
  /** Which allocations, over `allocation a`; row-level security narrows it to the caller's own. */
  which: Sql;
  /** Which of these it applies to, over the locked row `a` with its moment `a.at`; the state is looked at anyway. */
  when?: Sql;
  /** What changes beside state and version, over the locked row `f` with its moment `f.at`. */
  set: Sql;
  events: Events;
  patience: Patience;
  /** Is about those whose time is over, which read as ended already; all else leaves them to that. */
  overdue?: boolean;
}

export type TakeStep = (tx: Transaction, step: Step) => Promise<Met[]>;

/** What the end of an allocation sets, over the locked row `f`. */
export const ended = (at: Sql, reason: Sql): Sql =>
  sql`released_at = ${at}, interrupt_at = NULL, end_reason = ${reason}`;

/** The end now; never before the beginning, should the clock have been set back. */
export const endedNow = (reason: Sql): Sql => ended(sql`greatest(f.at, f.created_at)`, reason);

/** An allocation that a step met: as it is now, and whether the step was taken. */
export type Met = Written & { applied: boolean };

/** The fields of an allocation that a step can change, as change rows show them; over `row`. */
const facts = (row: Sql): Sql => sql`jsonb_build_object('state', ${row}.state, 'heldUntil', ${row}.held_until,
  'expiresAt', ${row}.expires_at, 'activatedAt', ${row}.activated_at, 'impairedBy', ${row}.impaired_by,
  'interruptAt', ${row}.interrupt_at, 'releasedAt', ${row}.released_at,
  'billingStoppedAt', coalesce(${row}.billing_stopped_at, ${row}.released_at), 'endReason', ${row}.end_reason)`;

/** What a step changed, from the locked row `f` to the written row `a`. */
export const diff = sql`(SELECT jsonb_build_object('before', jsonb_object_agg(b.key, b.value),
                                            'after', jsonb_object_agg(n.key, n.value))
    FROM jsonb_each(${facts(sql`f`)}) b JOIN jsonb_each(${facts(sql`a`)}) n USING (key)
   WHERE b.value IS DISTINCT FROM n.value)`;

/** The GPUs of the allocations that were asked for; those of partitions with the physical GPU that is charged. */
const lockGpus = (skip: Sql): Sql => sql`asked AS MATERIALIZED (
    SELECT l.allocation_id, l.gpu_id, l.root_gpu_id, l.units
      FROM inventory.allocation_gpu l JOIN target ON target.id = l.allocation_id WHERE l.released_at IS NULL
  ), gpu AS MATERIALIZED (
    SELECT s.gpu_id, s.node_id, s.provider_id, s.version, s.used_units, s.active_units FROM inventory.gpu_state s
     WHERE s.gpu_id IN (SELECT gpu_id FROM asked UNION SELECT root_gpu_id FROM asked)
     ORDER BY s.gpu_id FOR NO KEY UPDATE ${skip}
  )`;

/** The allocations all of whose GPUs were locked; after these, in the order that everybody keeps. */
const lockAllocations = (skip: Sql): Sql => sql`locked AS MATERIALIZED (
    SELECT a.* FROM inventory.allocation a
     WHERE a.id IN (SELECT id FROM target)
       AND NOT EXISTS (SELECT FROM asked l WHERE l.allocation_id = a.id
                         AND (l.gpu_id NOT IN (SELECT gpu_id FROM gpu) OR l.root_gpu_id NOT IN (SELECT gpu_id FROM gpu)))
     ORDER BY a.id FOR NO KEY UPDATE ${skip}
  )`;

/**
 * Takes one step with every allocation that it applies to, in one statement: GPUs are locked in the order of their ids,
 * then the allocations, each is judged on its locked row at a time taken after the lock, and the ledger follows its
 * allocation. Returns all that were met, so that the caller can tell why nothing happened.
 *
 * New values come from the locked row `f`, never from the row that UPDATE finds in its older snapshot: PostgreSQL
 * checks constraints on that one before it notices that it is out of date.
 */
export const stepsWith =
  (cleaning: CleaningPolicy): TakeStep =>
  async (tx, { action, which, when, set, events, patience, overdue = false }) => {
    const skip = patience === 'skip' ? sql`SKIP LOCKED` : empty;
    const { from, to } = transitions[action];
    const met = await tx.rows<Met>(sql`/* allocations:step */
    WITH target AS MATERIALIZED (SELECT a.id FROM inventory.allocation a WHERE ${which}),
    ${lockGpus(skip)}, ${lockAllocations(skip)},
    found AS MATERIALIZED (SELECT a.*, clock_timestamp() AS at FROM locked a),
    fit AS MATERIALIZED (
      SELECT a.* FROM found a
       WHERE ${overdue ? sql`a.state` : stateAt(sql`a.at`)} = ANY(${from}) AND ${when ?? sql`true`}
    ), stepped AS (
      UPDATE inventory.allocation a
         SET state = coalesce(${to}, f.state), ${set}, version = f.version + 1,
             updated_at = greatest(f.at, f.updated_at + interval '1 microsecond')
        FROM fit f WHERE a.id = f.id
      RETURNING a.*, ${diff} AS diff
    ), booked AS (
      UPDATE inventory.allocation_gpu l SET held_until = w.held_until, released_at = w.released_at
        FROM stepped w
       WHERE l.allocation_id = w.id AND l.released_at IS NULL
         AND (l.held_until, l.released_at) IS DISTINCT FROM (w.held_until, w.released_at)
      RETURNING l.allocation_id, l.gpu_id, l.units, w.tenant_id, w.state = 'active' AS lives
    ), ${shutGates(cleaning)}, written AS (SELECT id, tenant_id, version, diff FROM stepped),
    touched AS (
      SELECT b.allocation_id, b.tenant_id, b.gpu_id, g.node_id, g.provider_id, g.used_units, g.active_units,
             g.version + row_number() OVER (PARTITION BY b.gpu_id ORDER BY b.allocation_id) AS version,
             CASE WHEN b.lives THEN 0 ELSE -b.units END AS used_step,
             CASE WHEN b.lives THEN b.units WHEN f.held_until IS NULL THEN -b.units ELSE 0 END AS active_step,
             EXISTS (SELECT FROM dirty d WHERE d.gpu_id = b.gpu_id AND d.allocation_id = b.allocation_id) AS dirty
        FROM booked b JOIN gpu g USING (gpu_id) JOIN fit f ON f.id = b.allocation_id
    ), ${changed(tx.actor, events)}
    SELECT ${allocationColumns(sql`clock_timestamp()`)}, ${storedGpus} AS gpus, a.applied,
           CASE WHEN a.applied THEN ${touchedOf} END AS touched
      FROM (SELECT w.*, true AS applied FROM stepped w
            UNION ALL
            SELECT l.*, NULL::jsonb, false FROM locked l WHERE l.id NOT IN (SELECT id FROM fit)) a`);
    announce(
      tx,
      events,
      met.filter(({ applied }) => applied),
    );
    return met;
  };

/** If-Match as a condition on the locked row. */
export const versionIs = (ifMatch: IfMatch | null): Sql =>
  ifMatch === null || 'any' in ifMatch ? sql`true` : sql`a.version = ANY(${ifMatch.versions}::bigint[])`;
