import sql, { raw, type Sql } from 'sql-template-tag';
import { type Gate, gates } from '../../../kernel/gates.ts';

/** What the network asks of every GPU that it gives out. */
export interface SchedulingPolicy {
  /** The verification level that a GPU must have, 0–4; at 0 nothing is asked, and nothing looked at. */
  minVerificationLevel: number;
}

/** The verification level at a moment: the highest whose time has not passed. */
export const levelAt = (moment: Sql): Sql => sql`CASE WHEN s.level4_until > ${moment} THEN 4
  WHEN s.level3_until > ${moment} THEN 3 WHEN s.level2_until > ${moment} THEN 2 WHEN s.level1_until > ${moment} THEN 1 ELSE 0 END`;

/**
 * Whether the announced maintenance of its node leaves a GPU alone at a moment or, for a placement of so many seconds,
 * from that moment to its end. All GPUs of a node share one window.
 */
function clearOfMaintenance(moment: Sql, placementS: number | null): Sql {
  const before =
    placementS === null
      ? sql`s.maintenance_from > ${moment}`
      : sql`s.maintenance_from >= ${moment} + make_interval(secs => ${placementS}::integer)`;
  return sql`(s.maintenance_until IS NULL OR s.maintenance_until <= ${moment} OR ${before})`;
}

/**
 * Whether a GPU may be given out at a moment, over `gpu_state s` and nothing else, so that a claim decides on the row
 * that it locks. `blocks = 0` stands by itself: the partial indexes have it, what depends on the time is a filter on
 * top. With `placementS` the GPU must be clear of maintenance for so many seconds.
 */
export const schedulableAt = (
  moment: Sql,
  { minVerificationLevel }: SchedulingPolicy,
  placementS: number | null = null,
): Sql =>
  minVerificationLevel === 0
    ? sql`s.blocks = 0 AND ${clearOfMaintenance(moment, placementS)}`
    : sql`s.blocks = 0 AND ${clearOfMaintenance(moment, placementS)} AND ${levelAt(moment)} >= ${minVerificationLevel}::integer`;

const unless = (condition: Sql, gate: Gate): Sql =>
  sql`CASE WHEN ${condition} THEN 0 ELSE ${raw(String(gates[gate]))} END`;

/** The gate that maintenance shuts at a moment. */
export const maintenanceGateAt = (moment: Sql, placementS: number | null = null): Sql =>
  unless(clearOfMaintenance(moment, placementS), 'maintenance_window');

/** All closed gates of a GPU at a moment as one mask, those included that follow from the time: 0 ⇔ `schedulableAt`. */
export const gatesAt = (
  moment: Sql,
  { minVerificationLevel }: SchedulingPolicy,
  placementS: number | null = null,
): Sql => {
  const stored = sql`s.blocks | ${maintenanceGateAt(moment, placementS)}`;
  if (minVerificationLevel === 0) return sql`(${stored})`;
  return sql`(${stored} | ${unless(sql`${levelAt(moment)} >= ${minVerificationLevel}::integer`, 'level_too_low')})`;
};
