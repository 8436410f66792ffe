import { integer } from '../../kernel/settings.ts';

export const metricSettings = {
  keepDays: integer(
    'METRIC_RETENTION_DAYS',
    'Days for which samples of usage metrics are kept, and how old one may be',
    { default: 30, min: 1, max: 400 },
  ),
  keepMinutesDays: integer(
    'METRIC_MINUTE_RETENTION_DAYS',
    'Days for which 1-minute roll-ups of usage metrics are kept; at least as long as samples',
    { default: 90, min: 1, max: 3650 },
  ),
  keepHoursDays: integer(
    'METRIC_HOUR_RETENTION_DAYS',
    'Days for which 1-hour roll-ups of usage metrics are kept; at least as long as samples',
    { default: 730, min: 1, max: 36_500 },
  ),
} as const;
