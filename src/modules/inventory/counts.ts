import sql, { type Sql } from 'sql-template-tag';
import { maintenanceGateAt } from './gpus/schedulability.ts';
import { allocationStateAt } from './gpus/view.ts';

/** GPUs that a list shows by default. */
const shown = sql`s.deleted_at IS NULL AND s.lifecycle <> 'retired'`;

/** Reads `free` at this moment: neither held nor allocated nor being cleaned, whatever else stands against it. */
const free = sql`${allocationStateAt(sql`clock_timestamp()`)} = 'free'`;

/**
 * Counts are counted, never stored: a stored one would serialise claims, and drift. `owner` ties `gpu_state s` to the
 * row at hand. With them comes the union of the gates, so that a provider or node shows why its GPUs cannot be had; what
 * the network's policy asks of all is said of each GPU alone.
 */
export const gpuCounts = (owner: Sql, more: Sql): Sql => sql`(
  SELECT jsonb_build_object(${more} 'gpus', count(*), 'gpusFree', count(*) FILTER (WHERE ${free}))
    FROM inventory.gpu_state s WHERE ${owner} AND ${shown}) AS counts,
  (SELECT coalesce(bit_or(s.blocks | ${maintenanceGateAt(sql`clock_timestamp()`)}), 0) FROM inventory.gpu_state s WHERE ${owner} AND ${shown}) AS blocks`;
