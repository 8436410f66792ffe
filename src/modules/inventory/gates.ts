import sql, { join, raw, type Sql } from 'sql-template-tag';
import { type Gate, gates, maskOf } from '../../kernel/gates.ts';

/** A GPU gets these from where it is; they change with its node. */
export const placementMask = maskOf(
  'provider_not_active',
  'node_not_active',
  'node_ineligible',
  'node_draining',
  'node_offline',
  'node_not_heard',
  'node_maintenance',
  'node_failed',
  'node_flapping',
  'maintenance_window',
);

/** Of these a physical GPU keeps its partitions back: the triggers `gate_partition` and `gate_partitions` have the same mask. */
export const parentMask = maskOf('gpu_not_active', 'gpu_missing', 'gpu_failed', 'gpu_quarantined');

/** The bit of a gate where a condition holds. */
export const when = (gate: Gate, condition: Sql): Sql =>
  sql`CASE WHEN ${condition} THEN ${raw(String(gates[gate]))} ELSE 0 END`;

/** The gates that a GPU gets from its place: over `provider p`, `node n` and `node_heartbeat h`. */
export const gatesOf: Sql = join(
  [
    when('provider_not_active', sql`p.lifecycle <> 'active'`),
    when('node_not_active', sql`n.lifecycle <> 'active'`),
    when('node_ineligible', sql`n.eligibility = 'ineligible'`),
    when('node_draining', sql`n.eligibility = 'draining'`),
    when('node_offline', sql`h.liveness = 'offline'`),
    when('node_not_heard', sql`coalesce(h.liveness, 'pending') IN ('pending', 'unknown')`),
    when('node_maintenance', sql`h.status = 'maintenance'`),
    when('node_flapping', sql`h.flapping_since IS NOT NULL`),
    when('node_failed', sql`n.health = 'failed'`),
    when(
      'maintenance_window',
      sql`EXISTS (SELECT FROM inventory.node_maintenance a WHERE a.node_id = n.id AND a.aside)`,
    ),
  ],
  ' | ',
  '(',
  ')',
);
