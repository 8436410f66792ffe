import sql, { type Sql } from 'sql-template-tag';
import type { Queryable, Transaction } from '../../../kernel/db/transaction.ts';
import { gates } from '../../../kernel/gates.ts';
import { newId } from '../../../kernel/ids.ts';
import { windowColumns } from './collection.ts';
import type { Interval, WindowKind } from './domain.ts';
import type { MaintenanceWindow } from './schemas.ts';
import type { WindowScope } from './scope.ts';

/**
 * Closes windows that are past their end; a planned one that was kept aside takes the place that is free. The nodes are
 * locked by this transaction.
 */
export async function advance(
  tx: Transaction,
  { providerId, nodeIds }: Pick<WindowScope, 'providerId' | 'nodeIds'>,
): Promise<void> {
  const whole = sql`w.provider_id = ${providerId}::uuid AND w.node_id IS NULL`;
  await tx.execute(sql`/* inventory:close_provider_maintenance */
    UPDATE inventory.maintenance_window w SET open = false WHERE ${whole} AND w.open AND w.ends_at <= clock_timestamp()`);
  await tx.execute(sql`/* inventory:reopen_provider_maintenance */
    UPDATE inventory.maintenance_window w SET open = true
     WHERE ${whole} AND NOT w.open AND w.deleted_at IS NULL AND w.ends_at > clock_timestamp()
       AND NOT EXISTS (SELECT FROM inventory.maintenance_window o
                        WHERE o.provider_id = w.provider_id AND o.node_id IS NULL AND o.open)`);
  await tx.execute(sql`/* inventory:close_node_maintenance */
    UPDATE inventory.node_maintenance m SET open = false
     WHERE m.node_id = ANY(${nodeIds}::uuid[]) AND m.open AND m.until_at <= clock_timestamp()`);
  await tx.execute(sql`/* inventory:reopen_node_maintenance */
    UPDATE inventory.node_maintenance m SET open = m.until_at > clock_timestamp(), aside = false
     WHERE m.node_id = ANY(${nodeIds}::uuid[]) AND m.aside
       AND NOT EXISTS (SELECT FROM inventory.node_maintenance o WHERE o.node_id = m.node_id AND o.open)`);
}

/** The windows of these nodes, and of the whole provider where it is meant, that are not over. */
export const standingWindows = (
  tx: Transaction,
  { providerId, nodeId, nodeIds }: WindowScope,
): Promise<MaintenanceWindow[]> =>
  tx.rows<MaintenanceWindow>(sql`/* inventory:standing_maintenance */
    SELECT ${windowColumns} FROM inventory.maintenance_window w
     WHERE w.deleted_at IS NULL AND w.ends_at > clock_timestamp()
       AND (w.id IN (SELECT m.window_id FROM inventory.node_maintenance m
                      WHERE m.node_id = ANY(${nodeIds}::uuid[]) AND (m.open OR m.aside))
            OR ${nodeId === null} AND w.provider_id = ${providerId}::uuid AND w.node_id IS NULL)`);

/** What is planned is kept aside for an emergency. */
export async function makeWay(tx: Transaction, { providerId, nodeId, nodeIds }: WindowScope): Promise<void> {
  if (nodeId === null) {
    await tx.execute(sql`/* inventory:set_provider_maintenance_aside */
      UPDATE inventory.maintenance_window w SET open = false
       WHERE w.provider_id = ${providerId}::uuid AND w.node_id IS NULL AND w.open`);
  }
  await tx.execute(sql`/* inventory:set_node_maintenance_aside */
    UPDATE inventory.node_maintenance m SET open = false, aside = true WHERE m.node_id = ANY(${nodeIds}::uuid[]) AND m.open`);
}

/** Nodes with maintenance kept aside for an emergency that is over. */
export const waitingNodes = (
  db: Queryable,
  limit: number,
): Promise<{ nodeId: string; providerId: string }[]> =>
  db.rows(sql`/* inventory:waiting_maintenance */
    SELECT m.node_id, n.provider_id FROM inventory.node_maintenance m JOIN inventory.node n ON n.id = m.node_id
     WHERE m.aside AND NOT EXISTS (SELECT FROM inventory.node_maintenance o
                                    WHERE o.node_id = m.node_id AND o.open AND o.until_at > clock_timestamp())
     ORDER BY n.provider_id, m.node_id LIMIT ${limit}::integer`);

/** The most emergencies that any of the nodes had within 30 days. */
export async function recentEmergencies(tx: Transaction, nodeIds: readonly string[]): Promise<number> {
  const row = await tx.row<{ most: number }>(sql`/* inventory:recent_emergencies */
    SELECT coalesce(max(n), 0) AS most FROM (
      SELECT count(*) AS n FROM inventory.node_maintenance m
       WHERE m.node_id = ANY(${nodeIds}::uuid[]) AND m.kind = 'emergency'
         AND m.from_at > clock_timestamp() - interval '30 days' GROUP BY m.node_id) per_node`);
  return row?.most ?? 0;
}

export interface NewWindow extends Interval {
  kind: WindowKind;
  reason: string | null;
}

export async function insertWindow(
  tx: Transaction,
  { providerId, nodeId, nodeIds }: WindowScope,
  { kind, reason, startsAt, endsAt }: NewWindow,
): Promise<MaintenanceWindow> {
  const window = (await tx.row<MaintenanceWindow>(sql`/* inventory:insert_maintenance_window */
    INSERT INTO inventory.maintenance_window AS w (id, provider_id, node_id, kind, reason, starts_at, ends_at, open)
    VALUES (${newId()}, ${providerId}, ${nodeId}, ${kind}, ${reason}, ${startsAt}, ${endsAt},
            ${nodeId !== null} OR NOT EXISTS (SELECT FROM inventory.maintenance_window o
                                               WHERE o.provider_id = ${providerId}::uuid AND o.node_id IS NULL AND o.open))
    RETURNING ${windowColumns}`)) as MaintenanceWindow;
  await tx.execute(sql`/* inventory:insert_node_maintenance */
    INSERT INTO inventory.node_maintenance (node_id, window_id, kind, from_at, until_at, open, aside)
    SELECT id, ${window.id}::uuid, ${kind}, ${startsAt}::timestamptz, ${endsAt}::timestamptz,
           o.node_id IS NULL, o.node_id IS NOT NULL
      FROM unnest(${nodeIds}::uuid[]) AS id
      LEFT JOIN inventory.node_maintenance o ON o.node_id = id AND o.open`);
  return window;
}

/** Nodes that join a provider in maintenance are in maintenance with it. */
export const joinProviderWindow = (
  tx: Transaction,
  providerId: string,
  nodeIds: readonly string[],
): Promise<number> =>
  tx.execute(sql`/* inventory:join_provider_maintenance */
    INSERT INTO inventory.node_maintenance (node_id, window_id, kind, from_at, until_at, open, aside)
    SELECT joined.id, w.id, w.kind, w.starts_at, w.ends_at, w.open, NOT w.open
      FROM inventory.maintenance_window w, unnest(${nodeIds}::uuid[]) AS joined(id)
     WHERE w.provider_id = ${providerId}::uuid AND w.node_id IS NULL AND w.deleted_at IS NULL
       AND w.ends_at > clock_timestamp()`);

export const moveWindow = (
  tx: Transaction,
  windowId: string,
  { startsAt, endsAt }: Interval,
): Promise<number> =>
  tx.execute(sql`/* inventory:move_node_maintenance */
    UPDATE inventory.node_maintenance SET from_at = ${startsAt}, until_at = ${endsAt} WHERE window_id = ${windowId}`);

/** Calls a window off: one that has begun ends now and stays in the record, one that has not never was. */
export async function endWindow(tx: Transaction, windowId: string): Promise<void> {
  await tx.execute(sql`/* inventory:forget_node_maintenance */
    DELETE FROM inventory.node_maintenance WHERE window_id = ${windowId} AND from_at >= clock_timestamp()`);
  await tx.execute(sql`/* inventory:end_node_maintenance */
    UPDATE inventory.node_maintenance SET open = false, aside = false, until_at = least(until_at, clock_timestamp())
     WHERE window_id = ${windowId}`);
}

/**
 * Shows the nodes' open window, or that there is none, on each of their GPUs, in the order of their ids; a claim then
 * decides on the row that it locks. While another window is kept aside, which the row cannot show, they are not given out
 * at all. GPU versions stay: this is a node's state seen through its GPUs. Returns the GPUs that are in use.
 */
export async function showOnGpus(tx: Transaction, nodeIds: readonly string[]): Promise<string[]> {
  const shown = await tx.rows<{ gpuId: string; usedUnits: number }>(sql`/* inventory:show_maintenance */
    WITH gpu AS (
      SELECT s.gpu_id, s.node_id FROM inventory.gpu_state s
       WHERE s.node_id = ANY(${nodeIds}::uuid[]) AND s.deleted_at IS NULL ORDER BY s.gpu_id FOR NO KEY UPDATE
    )
    UPDATE inventory.gpu_state s SET maintenance_from = m.from_at, maintenance_until = m.until_at,
           blocks = (s.blocks & ~${gates.maintenance_window}::integer)
                    | CASE WHEN a.aside THEN ${gates.maintenance_window}::integer ELSE 0 END
      FROM gpu LEFT JOIN inventory.node_maintenance m ON m.node_id = gpu.node_id AND m.open
      LEFT JOIN inventory.node_maintenance a ON a.node_id = gpu.node_id AND a.aside
     WHERE s.gpu_id = gpu.gpu_id RETURNING s.gpu_id, s.used_units`);
  tx.invalidate('gpus', ...shown.map(({ gpuId }) => `gpu:${gpuId}`));
  return shown.filter(({ usedUnits }) => usedUnits > 0).map(({ gpuId }) => gpuId);
}

export const lockWindow = (id: string, visible: Sql): Sql => sql`/* inventory:lock_maintenance_window */
  SELECT ${windowColumns} FROM inventory.maintenance_window w WHERE w.id = ${id} AND ${visible} FOR NO KEY UPDATE`;
