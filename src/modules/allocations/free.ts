import sql, { type Sql } from 'sql-template-tag';
import { allocationStateAt } from '../inventory/index.ts';

/**
 * Whether a whole GPU could be taken at a moment but for its gates, over `gpu_state s`: it reads free, and nothing of it
 * is in use that is not past its deadline.
 */
export const isFreeAt = (moment: Sql): Sql => sql`(${allocationStateAt(moment)} = 'free'
  AND (s.used_units = 0 OR (s.active_units = 0 AND s.held_until <= ${moment})))`;

/** Whether a share of it could be: beside others of the same GPU, but not beside its partitions. */
export const hasRoomAt = (moment: Sql, share: number): Sql => sql`(${isFreeAt(moment)}
  OR (s.used_units + ${share}::integer <= s.total_units AND s.partition_units = 0
      AND (s.root_gpu_id = s.gpu_id OR inventory.state_through_root(s.root_gpu_id, ${moment}) = 'free')))`;
