import sql, { type Sql } from 'sql-template-tag';
import { maintenanceGateAt } from './gpus/schedulability.ts';

/** GPUs that a list shows by default. */
const shown = sql`s.deleted_at IS NULL AND s.lifecycle <> 'retired'`;

/** Neither held nor allocated at this moment; a hold past its deadline counts as free before anybody swept it. */
const free = sql`(s.used_units = 0 OR s.held_until <= clock_timestamp()) AND (s.root_gpu_id = s.gpu_id
  OR inventory.state_through_root(s.root_gpu_id, clock_timestamp()) = 'free')`;

/**
 * Counts are counted, never stored: a stored one would serialise claims, and drift. `owner` ties `gpu_state s` to the
 * row at hand. With them comes the union of the gates, so that a provider or node shows why its GPUs cannot be had; what
 * the network's policy asks of all is said of each GPU alone.
 */
export const gpuCounts = (owner: Sql, more: Sql): Sql => sql`(
  SELECT jsonb_build_object(${more} 'gpus', count(*), 'gpusFree', count(*) FILTER (WHERE ${free}))
    FROM inventory.gpu_state s WHERE ${owner} AND ${shown}) AS counts,
  (SELECT coalesce(bit_or(s.blocks | ${maintenanceGateAt(sql`clock_timestamp()`)}), 0) FROM inventory.gpu_state s WHERE ${owner} AND ${shown}) AS blocks`;
