import sql from 'sql-template-tag';
import type { Series } from '../../kernel/partitions.ts';
import type { Values } from '../../kernel/settings.ts';
import type { metricSettings } from './settings.ts';

/** The tables of this module that are partitioned by time. */
export interface MetricSeries {
  samples: Series;
  minutes: Series;
  hours: Series;
}

export const metricSeries = ({
  keepDays,
  keepMinutesDays,
  keepHoursDays,
}: Values<typeof metricSettings>): MetricSeries => ({
  samples: {
    table: 'metric_sample',
    width: 'day',
    keepDays,
    // Roll-ups are made of samples: until they are, these are all that there is.
    inUse: (from, to) =>
      sql`(EXISTS (SELECT FROM inventory.metric_unfolded u WHERE u.hour >= ${from} AND u.hour < ${to})
        OR EXISTS (SELECT FROM inventory.metric_late l WHERE l.hour >= ${from} AND l.hour < ${to}))`,
  },
  minutes: { table: 'metric_minute', width: 'day', keepDays: Math.max(keepDays, keepMinutesDays) },
  hours: { table: 'metric_hour', width: 'month', keepDays: Math.max(keepDays, keepHoursDays) },
});
