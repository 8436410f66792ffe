import { type Static, Type } from 'typebox';
import { Uuid } from '../../../kernel/http/params.ts';
import { DateTime, Nullable, StrEnum } from '../../../kernel/http/schemas.ts';
import { incidentKinds } from './domain.ts';

export const Incident = Type.Object(
  {
    id: Uuid(),
    nodeId: Uuid(),
    providerId: Uuid(),
    kind: StrEnum(incidentKinds),
    open: Type.Boolean({ description: 'The node has not been heard since.' }),
    startedAt: DateTime(),
    endedAt: Nullable(DateTime()),
    durationS: Type.Number({ description: 'So far, where it is open.' }),
  },
  { $id: 'Incident' },
);
export type Incident = Static<typeof Incident>;
