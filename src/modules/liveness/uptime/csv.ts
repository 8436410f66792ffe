import type { UptimeDay } from './schemas.ts';

const columns = [
  'date',
  'from',
  'to',
  'upS',
  'downS',
  'plannedMaintenanceS',
  'emergencyMaintenanceS',
  'unknownS',
  'uptime',
  'emergencyWindows',
] as const satisfies readonly (keyof UptimeDay)[];

const cell = (value: UptimeDay[keyof UptimeDay]): string =>
  value instanceof Date ? value.toISOString() : String(value ?? '');

/** One line a day under a heading (RFC 4180); no cell can hold a comma or a quote. */
export const csvOf = (days: readonly UptimeDay[]): string =>
  [columns, ...days.map((day) => columns.map((name) => cell(day[name])))]
    .map((line) => `${line.join(',')}\r\n`)
    .join('');
