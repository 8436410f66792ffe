import type { TestService } from './service.ts';

/** A moment so many seconds from now. */
export const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

/** Planned maintenance may begin at once: tests need no patience. */
export const atOnce = { MAINTENANCE_NOTICE_S: '0' };

/** Announces emergency maintenance that begins now and lasts an hour, unless `window` says otherwise. */
export const announce = (service: TestService, window: object, key?: string) =>
  service
    .as(key)
    .post('/v1/maintenance-windows')
    .send({ kind: 'emergency', endsAt: inSeconds(3600), ...window });

/** Moves a window, with what lies of it on its nodes and GPUs, so many seconds into the past: it ages without a sleep. */
export async function age(service: TestService, windowId: string, seconds: number): Promise<void> {
  await service.sql.query(
    `WITH moved AS (
       UPDATE inventory.maintenance_window SET starts_at = starts_at - $2::integer * interval '1 second',
              ends_at = ends_at - $2::integer * interval '1 second' WHERE id = $1
     ), node AS (
       UPDATE inventory.node_maintenance SET from_at = from_at - $2::integer * interval '1 second',
              until_at = until_at - $2::integer * interval '1 second' WHERE window_id = $1 RETURNING node_id, from_at, until_at
     )
     UPDATE inventory.gpu_state s SET maintenance_from = n.from_at, maintenance_until = n.until_at
       FROM node n WHERE n.node_id = s.node_id`,
    [windowId, seconds],
  );
}
