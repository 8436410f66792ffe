import sql, { type Sql } from 'sql-template-tag';
import { gates } from '../../../kernel/gates.ts';
import { type SchedulingPolicy, schedulableAt } from '../../inventory/index.ts';
import { type Claim, placementS, type Term } from './claim.ts';

/** Schedulable for as long as it is wanted; over `gpu_state s`, and in the terms of its partial indexes. */
const isUsable = (term: Term, policy: SchedulingPolicy): Sql =>
  sql`${schedulableAt(sql`clock_timestamp()`, policy, placementS(term))} AND s.deleted_at IS NULL`;

/**
 * Nobody uses the physical GPU of a partition as such, or has left something on it. No EXISTS, which the planner would answer
 * for all GPUs at once.
 */
const rootIsOpen = sql`(s.root_gpu_id = s.gpu_id OR (
  SELECT r.used_units = r.partition_units AND r.blocks & ${gates.gpu_cleaning} = 0
    FROM inventory.gpu_state r WHERE r.gpu_id = s.root_gpu_id))`;

/** Free and schedulable: what a whole claim looks for. */
export const isFree = (term: Term, policy: SchedulingPolicy): Sql =>
  sql`${isUsable(term, policy)} AND s.used_units = 0 AND ${rootIsOpen}`;

/** In use in part, with room for a share of this size. Partitions of a GPU are no part of it that a share could stand beside. */
export const isPartlyUsed = (claim: Term & Pick<Claim, 'share'>, policy: SchedulingPolicy): Sql =>
  sql`${isUsable(claim, policy)} AND s.used_units BETWEEN 1 AND 999 AND s.partition_units = 0
    AND s.used_units + ${claim.share}::integer <= s.total_units AND ${rootIsOpen}`;
