import sql, { type Sql } from 'sql-template-tag';
import { type SchedulingPolicy, schedulableAt } from '../../inventory/index.ts';
import { wholeGpu } from '../life/domain.ts';
import { type Claim, placementS, type Term } from './claim.ts';
import { rootCharge, rootHasRoom } from './partitions.ts';

/** Schedulable for as long as it is wanted; over `gpu_state s`, and in the terms of its partial indexes. */
const isUsable = (term: Term, policy: SchedulingPolicy): Sql =>
  sql`${schedulableAt(sql`clock_timestamp()`, policy, placementS(term))} AND s.deleted_at IS NULL`;

/**
 * A partition has room for a share on its physical GPU: one that claims to be more than is left there would be the best of
 * all, and nobody could have it. No EXISTS, which the planner would answer for all GPUs at once; and the partition's row is
 * read anew, since the indexes do not have all of it.
 */
const rootIsOpen = (share: number): Sql => sql`(s.root_gpu_id = s.gpu_id OR (
  SELECT ${rootHasRoom} FROM (SELECT s.gpu_id) w JOIN inventory.gpu_state s ON s.gpu_id = w.gpu_id
    JOIN inventory.gpu_state r ON r.gpu_id = s.root_gpu_id CROSS JOIN ${rootCharge(share)}))`;

/** Free and schedulable: what a claim looks for, a whole one unless it says otherwise. */
export const isFree = (term: Term & Partial<Pick<Claim, 'share'>>, policy: SchedulingPolicy): Sql =>
  sql`${isUsable(term, policy)} AND s.used_units = 0 AND ${rootIsOpen(term.share ?? wholeGpu)}`;

/** In use in part, with room for a share of this size. Partitions of a GPU are no part of it that a share could stand beside. */
export const isPartlyUsed = (claim: Term & Pick<Claim, 'share'>, policy: SchedulingPolicy): Sql =>
  sql`${isUsable(claim, policy)} AND s.used_units BETWEEN 1 AND 999 AND s.partition_units = 0
    AND s.used_units + ${claim.share}::integer <= s.total_units AND ${rootIsOpen(claim.share)}`;
