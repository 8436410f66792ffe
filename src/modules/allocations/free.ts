import sql, { type Sql } from 'sql-template-tag';
import { allocationStateAt } from '../inventory/index.ts';

/**
 * Whether a whole GPU could be taken at a moment but for its gates, over `gpu_state s`: it reads free, and nothing of it
 * is in use that is not past its deadline.
 */
export const isFreeAt = (moment: Sql): Sql => sql`(${allocationStateAt(moment)} = 'free'
  AND (s.used_units = 0 OR (s.active_units = 0 AND s.held_until <= ${moment})))`;
