import sql, { type Sql } from 'sql-template-tag';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { gates } from '../../../kernel/gates.ts';
import { announce, changed, type Events } from '../record.ts';
import { stateAt } from '../view.ts';
import { type Action, transitions } from './domain.ts';
import { diff } from './transition.ts';

/** A GPU that its user cannot reach: its node is silent, or it is not where it was when it was taken. */
const isLost = sql`(s.blocks & ${gates.gpu_missing} <> 0 OR s.node_id <> l.node_id)`;
const isSilent = sql`s.blocks & ${gates.node_offline} <> 0`;

const shares = sql`inventory.allocation_gpu l JOIN inventory.gpu_state s ON s.gpu_id = l.gpu_id`;

/** Why it is impaired, NULL where it is not; over `allocation a`. */
export const impairment = sql`(
  SELECT CASE WHEN bool_or(${isLost}) THEN 'gpu_lost' WHEN bool_or(${isSilent}) THEN 'node_offline' END
    FROM ${shares} WHERE l.allocation_id = a.id AND l.released_at IS NULL)`;

interface Mark {
  action: Extract<Action, 'impair' | 'recover'>;
  event: Events['allocation'];
  /** Which it applies to, over `allocation a`. */
  when: Sql;
  /** What changes, over the row `f` as it was, with its `cause` and its moment `f.at`. */
  set: Sql;
}

const marks: readonly Mark[] = [
  {
    action: 'impair',
    event: 'impaired',
    when: sql`a.billing_stopped_at IS NULL AND ${impairment} IS NOT NULL`,
    set: sql`impaired_by = f.cause, billing_stopped_at = f.at, interrupt_at = CASE f.on_interruption
      WHEN 'release' THEN f.at WHEN 'grace' THEN f.at + make_interval(secs => f.grace_s) END`,
  },
  {
    action: 'recover',
    event: 'recovered',
    when: sql`a.billing_stopped_at IS NOT NULL AND ${impairment} IS NULL`,
    set: sql`impaired_by = NULL, billing_stopped_at = NULL, interrupt_at = NULL`,
  },
];

/**
 * Looks again at the allocations that use some GPUs (a condition on `gpu_state s`), whose gates have just been turned in
 * this transaction. One that is impaired is not billed from this moment on, and ends as its policy says, at once included:
 * it reads so from the commit on, and the next sweep does it. One of which everything is back goes on as before.
 *
 * Allocations are locked before they are looked at, by a statement of its own: where two of its nodes turn at the same
 * time, the second to come sees what the first has committed.
 */
export async function reviewUsers(tx: Transaction, gpus: Sql): Promise<void> {
  const users = await tx.rows<{ id: string }>(sql`/* allocations:lock_users */
    SELECT a.id FROM inventory.allocation a
     WHERE a.id IN (SELECT l.allocation_id FROM ${shares} WHERE ${gpus} AND l.released_at IS NULL)
     ORDER BY a.id FOR NO KEY UPDATE`);
  if (users.length === 0) return;
  const ids = users.map(({ id }) => id);
  for (const mark of marks) await apply(tx, ids, mark);
}

async function apply(
  tx: Transaction,
  ids: readonly string[],
  { action, event, when, set }: Mark,
): Promise<void> {
  const events: Events = { allocation: event, gpu: null, reason: null };
  const marked = await tx.rows<{ id: string; tenantId: string; version: number }>(sql`/* allocations:mark */
    WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS at),
    f AS MATERIALIZED (
      SELECT a.*, m.at, ${impairment} AS cause FROM inventory.allocation a, moment m
       WHERE a.id = ANY(${ids}::uuid[]) AND ${stateAt(sql`m.at`)} = ANY(${transitions[action].from}) AND ${when}
    ), stepped AS (
      UPDATE inventory.allocation a
         SET ${set}, version = f.version + 1, updated_at = greatest(f.at, f.updated_at + interval '1 microsecond')
        FROM f WHERE a.id = f.id
      RETURNING a.*, ${diff} AS diff
    ), written AS (SELECT id, tenant_id, version, diff FROM stepped), ${changed(tx.actor, events)}
    SELECT id, tenant_id, version FROM written`);
  announce(
    tx,
    events,
    marked.map((allocation) => ({ ...allocation, touched: null })),
  );
}
