import { AppError } from '../../../kernel/errors.ts';

/** A node has one window at a time, save an emergency before a planned one. */
export const windowExists = (windowIds: readonly string[] = []) =>
  new AppError(409, 'maintenance_window.exists', 'Maintenance is announced for this node already.', {
    members: { windowIds },
  });

export const windowOver = () =>
  new AppError(409, 'maintenance_window.over', 'This maintenance is over; its record stays as it is.');

export const emergencyLimit = (limit: number) =>
  new AppError(
    409,
    'maintenance_window.emergency_limit',
    `A node may have ${limit} emergency maintenances within 30 days.`,
  );

export const maintenanceConstraints = {
  maintenance_window_open_provider_key: () => windowExists(),
  node_maintenance_open_key: () => windowExists(),
};
