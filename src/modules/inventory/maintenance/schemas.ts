import { type Static, Type } from 'typebox';
import { Uuid } from '../../../kernel/http/params.ts';
import { DateTime, Nullable, StrEnum } from '../../../kernel/http/schemas.ts';
import { windowKinds, windowStates } from './domain.ts';

const reason = Nullable(Type.String({ minLength: 1, maxLength: 500, examples: ['driver update'] }));

export const MaintenanceWindow = Type.Object(
  {
    id: Uuid(),
    providerId: Uuid(),
    nodeId: Nullable(Uuid({ description: 'Null: all nodes of the provider.' })),
    kind: StrEnum(windowKinds),
    state: StrEnum(windowStates),
    reason,
    startsAt: DateTime(),
    endsAt: DateTime(),
    announcedAt: DateTime(),
    version: Type.Integer({ minimum: 1 }),
    updatedAt: DateTime(),
  },
  { $id: 'MaintenanceWindow' },
);
export type MaintenanceWindow = Static<typeof MaintenanceWindow>;

export const CreateMaintenanceWindow = Type.Object(
  {
    nodeId: Type.Optional(Uuid({ description: 'One node.' })),
    providerId: Type.Optional(Uuid({ description: 'Or all nodes of this provider; by default the own.' })),
    kind: StrEnum(windowKinds),
    startsAt: Type.Optional(DateTime()),
    endsAt: DateTime(),
    reason: Type.Optional(reason),
  },
  {
    $id: 'CreateMaintenanceWindow',
    additionalProperties: false,
    examples: [
      {
        nodeId: '01931a2b-0000-7000-8000-000000000001',
        kind: 'planned',
        startsAt: '2036-03-30T01:00:00Z',
        endsAt: '2036-03-30T03:00:00Z',
        reason: 'driver update',
      },
    ],
  },
);
export type CreateMaintenanceWindow = Static<typeof CreateMaintenanceWindow>;

export const PatchMaintenanceWindow = Type.Object(
  {
    startsAt: Type.Optional(DateTime()),
    endsAt: Type.Optional(DateTime()),
    reason: Type.Optional(reason),
  },
  { $id: 'PatchMaintenanceWindow', additionalProperties: false, examples: [{ reason: 'firmware update' }] },
);
export type PatchMaintenanceWindow = Static<typeof PatchMaintenanceWindow>;
