import sql, { type Sql } from 'sql-template-tag';
import { gatesAt, type SchedulingPolicy } from '../../inventory/index.ts';
import type { Interruption } from '../life/domain.ts';
import type { AllocationView } from '../view.ts';
import { rootCharge, rootHasRoom } from './partitions.ts';

/** What a claim says beside which GPUs it wants. */
export interface Claim {
  tenantId: string;
  /** How many GPUs, all of them or none. */
  count: number;
  /** Thousandths of each. */
  share: number;
  holdTtlS: number | null;
  durationS: number | null;
  onInterruption: Interruption;
  /** Seconds for which what is missing may come back; with `grace` only. */
  graceS: number | null;
  purpose: string | null;
  request: object | null;
}

/** How long a claim is for. */
export type Term = Pick<Claim, 'holdTtlS' | 'durationS'>;

/** A GPU that a claim met and could not take. */
export interface Refused {
  gpuId: string;
  /** The gates that are closed. */
  gates: number;
  /** Not enough of it is free. */
  taken: boolean;
  /** A hold on it is past its deadline. */
  due: boolean;
}

export interface ClaimOutcome {
  allocation: AllocationView | null;
  /** Whether the claim could have been served as far as was known before anything was locked. */
  possible: boolean;
  /** The wanted GPUs that exist. */
  found: string[];
  /** Those that stood in the claim's way. */
  refused: Refused[];
  /** Whether the best would use a physical GPU both as such and through its partitions. */
  mixed?: boolean;
}

/** How a claim gets its GPUs. */
export interface Choice {
  /** CTEs that lock GPUs and end in `chosen`: those to take, each with whether the claim `fits` it. */
  ctes: Sql;
  possible: Sql;
  /** Further columns, each with its comma: `found`, `refused` and `mixed` of the outcome, where somebody reads them. */
  met: Sql;
}

/** What a claim has to know of a GPU that it locks, over `gpu_state s`. */
export const claimColumns = sql`
  s.gpu_id, s.root_gpu_id, s.node_id, s.provider_id, s.memory_total_mb, s.streaming_multiprocessors, s.blocks, s.maintenance_from,
  s.maintenance_until, s.level1_until, s.level2_until, s.level3_until, s.level4_until, s.total_units, s.used_units,
  s.active_units, s.partition_units, s.partition_memory_units, s.held_until, s.price_per_hour_nano_usd, s.version`;

/** Seconds that the GPUs are wanted for, a hold before included; null where no end was named. */
export const placementS = ({ holdTtlS, durationS }: Term): number | null =>
  durationS === null ? null : durationS + (holdTtlS ?? 0);

/**
 * The CTE `judged`: each `wanted` row of `locked` with whether the claim fits it, at a time taken after the locks. A
 * claim on a partition needs room on the physical GPU as well, which is among the locked rows for that.
 */
export function judged(claim: Claim, policy: SchedulingPolicy, wanted: Sql): Sql {
  const { share } = claim;
  const closed = gatesAt(sql`moment.at`, policy, placementS(claim));
  return sql`moment AS MATERIALIZED (
  SELECT clock_timestamp() AS at FROM (SELECT count(*) FROM locked) AS all_locked
), judged AS MATERIALIZED (
  SELECT s.*, u.*, least(s.held_until, r.held_until) AS first_hold_until, ${closed} AS gates, ${closed} = 0
         AND s.used_units + ${share}::integer <= s.total_units AND ${rootHasRoom} AS fits
    FROM locked s JOIN locked r ON r.gpu_id = s.root_gpu_id CROSS JOIN moment, ${rootCharge(share)}
   WHERE ${wanted}
)`;
}
