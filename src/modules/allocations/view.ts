import sql, { type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { Allocation } from './schemas.ts';

export type AllocationView = Static<typeof Allocation>;

const a = sql`a`;

/** When a hold or a duration ends; NULL where it does not. */
const termOf = (row: Sql): Sql =>
  sql`CASE ${row}.state WHEN 'held' THEN ${row}.held_until WHEN 'active' THEN ${row}.expires_at END`;

/** Whether what is missing of it ends it before that; an interruption is ahead of live allocations alone. */
const interruptedFirst = (row: Sql): Sql =>
  sql`coalesce(${row}.interrupt_at < coalesce(${termOf(row)}, 'infinity'), false)`;

/** When a live allocation ends by itself; NULL where it does not. */
export const deadlineOf = (row: Sql): Sql => sql`least(${termOf(row)}, ${row}.interrupt_at)`;

/** Why it then ends. */
export const dueReasonOf = (row: Sql): Sql => sql`CASE WHEN ${interruptedFirst(row)} THEN ${row}.impaired_by
  WHEN ${row}.state = 'held' THEN 'hold_expired' ELSE 'duration_ended' END`;

/** Its time is over, whether or not anybody has swept it yet; over `allocation a`. */
export const isDue = (moment: Sql): Sql => sql`coalesce(${deadlineOf(a)} <= ${moment}, false)`;

/** It is over because its hold or duration is. */
export const isExpired = (moment: Sql): Sql => sql`${isDue(moment)} AND NOT ${interruptedFirst(a)}`;

/** It is over because a GPU or node of it did not come back. */
export const isInterrupted = (moment: Sql): Sql => sql`${isDue(moment)} AND ${interruptedFirst(a)}`;

/** The state at a moment, by the database's clock; over `allocation a`. */
export const stateAt = (moment: Sql): Sql => sql`CASE WHEN NOT ${isDue(moment)} THEN a.state
  WHEN ${interruptedFirst(a)} THEN 'interrupted' ELSE 'expired' END`;

/** The GPUs of an allocation as the API shows them, over rows `l` of the ledger. */
export const gpusOf = (rows: Sql): Sql => sql`(
  SELECT json_agg(json_build_object('gpuId', l.gpu_id, 'nodeId', l.node_id, 'providerId', l.provider_id,
                                    'share', l.units, 'pricePerHourNanoUsd', l.price_per_hour_nano_usd::text)
                  ORDER BY l.gpu_id)
    FROM ${rows})`;

/**
 * An allocation as the API shows it at a moment, its GPUs apart; over `allocation a`. What is due reads as it will once
 * it is swept: it ended at its deadline, not when somebody came by.
 */
export function allocationColumns(moment: Sql): Sql {
  const releasedAt = sql`CASE WHEN ${isDue(moment)} THEN ${deadlineOf(a)} ELSE a.released_at END`;
  return sql`
    a.id, a.tenant_id, ${stateAt(moment)} AS state, a.request, a.purpose,
    a.price_per_hour_nano_usd::text AS price_per_hour_nano_usd, a.hold_ttl_s, a.duration_s, a.on_interruption, a.grace_s,
    a.held_until, a.expires_at, a.activated_at, a.impaired_by, a.interrupt_at, ${releasedAt} AS released_at,
    coalesce(a.billing_stopped_at, ${releasedAt}) AS billing_stopped_at,
    CASE WHEN ${isDue(moment)} THEN ${dueReasonOf(a)} ELSE a.end_reason END AS end_reason,
    a.version, a.created_at, a.updated_at`;
}

/**
 * The GPUs that it has, or had at its end: those that a move took are no longer among them. Right in the statement that ends it
 * as well, which sees the ledger as it was.
 */
export const storedGpus = gpusOf(sql`inventory.allocation_gpu l
  WHERE l.allocation_id = a.id AND (l.released_at IS NULL OR l.released_at = a.released_at)`);
