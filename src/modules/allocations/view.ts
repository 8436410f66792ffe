import sql, { type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { Allocation } from './schemas.ts';

export type AllocationView = Static<typeof Allocation>;

const a = sql`a`;

/** When a live allocation ends by itself; NULL where it does not. */
export const deadlineOf = (row: Sql): Sql =>
  sql`CASE ${row}.state WHEN 'held' THEN ${row}.held_until WHEN 'active' THEN ${row}.expires_at END`;

/** Why it then ends. */
export const dueReasonOf = (row: Sql): Sql =>
  sql`CASE ${row}.state WHEN 'held' THEN 'hold_expired' ELSE 'duration_ended' END`;

/** Its time is over, whether or not anybody has swept it yet; over `allocation a`. */
export const isDue = (moment: Sql): Sql => sql`coalesce(${deadlineOf(a)} <= ${moment}, false)`;

/** The state at a moment, by the database's clock; over `allocation a`. */
export const stateAt = (moment: Sql): Sql => sql`CASE WHEN ${isDue(moment)} THEN 'expired' ELSE a.state END`;

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
export const allocationColumns = (moment: Sql): Sql => sql`
  a.id, a.tenant_id, ${stateAt(moment)} AS state, a.request, a.purpose,
  a.price_per_hour_nano_usd::text AS price_per_hour_nano_usd, a.hold_ttl_s, a.duration_s, a.held_until, a.expires_at,
  a.activated_at, CASE WHEN ${isDue(moment)} THEN ${deadlineOf(a)} ELSE a.released_at END AS released_at,
  CASE WHEN ${isDue(moment)} THEN ${dueReasonOf(a)} ELSE a.end_reason END AS end_reason,
  a.version, a.created_at, a.updated_at`;

export const storedGpus = gpusOf(sql`inventory.allocation_gpu l WHERE l.allocation_id = a.id`);
