import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import { reasonsOf } from '../../../kernel/gates.ts';
import { gpuCounts } from '../counts.ts';
import { systemProperties } from '../fields.ts';
import type { Node } from './schemas.ts';

export type NodeView = Static<typeof Node>;

/** A node as SQL gives it; `ownRegion` is what a patch of `region` changes. */
export interface NodeRow extends Omit<NodeView, 'problems' | 'gpus'> {
  blocks: number;
  ownRegion: string | null;
}

/** A read may degrade `online` to `late`, never to `offline`: that one is decided and recorded. */
const liveness = sql`CASE WHEN h.liveness = 'online' AND h.deadline_at < clock_timestamp() THEN 'late' ELSE h.liveness END`;

/** One column of the node's latest sign of life; a scalar subquery, so that it works in RETURNING as well. */
const sign = (column: typeof liveness) =>
  sql`(SELECT ${column} FROM inventory.node_heartbeat h WHERE h.node_id = n.id)`;

export const livenessOfNode = sign(liveness);

/** Columns of `inventory.node n`. */
export const nodeColumns = sql`
  n.id, n.provider_id, n.hostname, n.region, n.own_region, n.zone, n.lifecycle, n.eligibility, n.drain_deadline_at, n.cleaning_required, n.health,
  ${livenessOfNode} AS liveness, ${sign(sql`h.reason`)} AS liveness_reason,
  ${sign(sql`h.last_heartbeat_at`)} AS last_heartbeat_at, ${sign(sql`h.deadline_at`)} AS heartbeat_deadline_at,
  ${sign(sql`h.flapping_since`)} AS flapping_since,
  n.system, n.inventory_generation, n.labels, n.version, n.created_at, n.updated_at,
  ${gpuCounts(sql`s.node_id = n.id`, sql``)}`;

const unknownSystem = Object.fromEntries(Object.keys(systemProperties).map((name) => [name, null]));

export const toNode = ({ blocks, ownRegion: _, ...row }: NodeRow): NodeView => ({
  ...row,
  system: { ...unknownSystem, ...row.system },
  problems: reasonsOf(blocks),
});
