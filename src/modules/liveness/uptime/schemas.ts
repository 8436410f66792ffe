import { type Static, Type } from 'typebox';
import { Uuid } from '../../../kernel/http/params.ts';
import { DateTime, Nullable } from '../../../kernel/http/schemas.ts';

const seconds = (description: string) => Type.Number({ description });

/** Seconds of all nodes together. */
const times = {
  upS: seconds('Node-seconds in which nodes were heard.'),
  downS: seconds('In which they were offline.'),
  plannedMaintenanceS: seconds('In planned maintenance: neither up nor down.'),
  emergencyMaintenanceS: seconds('In emergency maintenance: neither, and counted as `emergencyWindows`.'),
  unknownS: seconds('In which nobody knows, because the breaker had tripped: neither.'),
  uptime: Nullable(Type.Number({ description: 'up / (up + down), 0 to 1; null where there is neither.' })),
};

export const Uptime = Type.Object(
  {
    providerId: Uuid(),
    from: DateTime(),
    to: DateTime(),
    tz: Type.String(),
    nodes: Type.Integer({ description: 'Nodes that were there within the range.' }),
    incidents: Type.Integer({ description: 'Times offline that the range meets.' }),
    emergencyWindows: Type.Integer({ description: 'Emergency maintenances that the range meets.' }),
    total: Type.Object(times),
    days: Type.Array(
      Type.Object({
        date: Type.String({ description: 'By the calendar of `tz`.' }),
        from: DateTime(),
        to: DateTime(),
        ...times,
        emergencyWindows: Type.Integer({ description: 'Emergency maintenances that the day meets.' }),
      }),
      {
        description:
          'Every day of a range of up to 367 days; of a longer one those from the first heartbeat of all nodes on.',
      },
    ),
  },
  { $id: 'Uptime' },
);
export type Uptime = Static<typeof Uptime>;
export type UptimeDay = Uptime['days'][number];

export const UptimeQuery = Type.Object({
  from: Type.Optional(
    Type.String({ format: 'date-time', maxLength: 40, description: '30 days before `to` by default.' }),
  ),
  to: Type.Optional(
    Type.String({
      format: 'date-time',
      maxLength: 40,
      description: 'Exclusive; now by default, never later.',
    }),
  ),
  tz: Type.String({
    minLength: 1,
    maxLength: 64,
    default: 'UTC',
    description: 'IANA time zone whose days are meant.',
    examples: ['Europe/Berlin'],
  }),
  format: Type.Optional(
    Type.Unsafe<'json' | 'csv'>({
      type: 'string',
      enum: ['json', 'csv'],
      description: 'By `Accept` where it is not named.',
    }),
  ),
});
export type UptimeQuery = Static<typeof UptimeQuery>;
