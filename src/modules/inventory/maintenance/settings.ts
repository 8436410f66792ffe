import { integer } from '../../../kernel/settings.ts';

const day = 86_400;

export const maintenanceSettings = {
  noticeS: integer(
    'MAINTENANCE_NOTICE_S',
    'Seconds from the announcement of planned maintenance to its earliest start; what comes sooner is an emergency',
    { default: 3600, min: 0, max: 30 * day },
  ),
  plannedMaxS: integer('MAINTENANCE_MAX_S', 'Longest planned maintenance, in seconds', {
    default: day,
    min: 1,
    max: 90 * day,
  }),
  emergencyMaxS: integer('EMERGENCY_MAINTENANCE_MAX_S', 'Longest emergency maintenance, in seconds', {
    default: 7200,
    min: 1,
    max: 90 * day,
  }),
  emergencyLimit: integer(
    'EMERGENCY_MAINTENANCE_LIMIT',
    'Emergency maintenances that a node may have within 30 days',
    { default: 4, min: 0, max: 10_000 },
  ),
} as const;
