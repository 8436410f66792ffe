import { Type } from 'typebox';
import { Uuid } from '../../../kernel/http/params.ts';
import { DateTime, Nullable, ref, StrEnum } from '../../../kernel/http/schemas.ts';
import {
  eligibilities,
  Hostname,
  Labels,
  LabelsPatch,
  livenesses,
  nodeLifecycles,
  Region,
  SystemInput,
  systemProperties,
} from '../fields.ts';
import { healths } from '../gpus/properties.ts';
import { Gpu } from '../gpus/schemas.ts';

const cleaningRequired = Nullable(
  Type.Boolean({
    description: 'Whether its GPUs are cleaned after each use; null: as the service has it for all nodes.',
  }),
);
const zone = Type.String({ minLength: 1, maxLength: 64, examples: ['hall-2'] });

export const Node = Type.Object(
  {
    id: Uuid(),
    providerId: Uuid(),
    hostname: Hostname(),
    region: Type.String({ description: "The node's own, else its provider's." }),
    zone: Nullable(zone),
    lifecycle: StrEnum(nodeLifecycles),
    eligibility: StrEnum(eligibilities),
    drainDeadlineAt: Nullable(DateTime({ description: 'When allocations that are left on it end.' })),
    cleaningRequired,
    liveness: StrEnum(livenesses),
    livenessReason: Nullable(Type.String()),
    health: StrEnum(healths),
    lastHeartbeatAt: Nullable(DateTime()),
    flappingSince: Nullable(DateTime()),
    heartbeatDeadlineAt: Nullable(DateTime()),
    system: Type.Object(systemProperties),
    inventoryGeneration: Nullable(Type.Integer({ minimum: 0 })),
    labels: Labels(),
    counts: Type.Object({
      gpus: Type.Integer({ minimum: 0 }),
      gpusFree: Type.Integer({ minimum: 0, description: 'Neither held nor allocated.' }),
    }),
    problems: Type.Array(Type.String(), { description: 'Why GPUs of this node are not schedulable.' }),
    version: Type.Integer({ minimum: 1 }),
    createdAt: DateTime(),
    updatedAt: DateTime(),
    gpus: Type.Optional(Type.Array(ref(Gpu), { description: 'Of a nested registration only.' })),
  },
  { $id: 'Node' },
);

export const CreateNode = Type.Object(
  {
    providerId: Uuid(),
    hostname: Hostname(),
    region: Type.Optional(Nullable(Region())),
    zone: Type.Optional(Nullable(zone)),
    labels: Type.Optional(Labels()),
  },
  {
    $id: 'CreateNode',
    additionalProperties: false,
    examples: [{ providerId: '0198c0de-0000-7000-8000-000000000001', hostname: 'rack-1', zone: 'hall-2' }],
  },
);

export const PatchNode = Type.Object(
  {
    hostname: Type.Optional(Hostname()),
    region: Type.Optional(Nullable(Region())),
    zone: Type.Optional(Nullable(zone)),
    labels: Type.Optional(LabelsPatch()),
    lifecycle: Type.Optional(StrEnum(nodeLifecycles)),
    eligibility: Type.Optional(StrEnum(['eligible', 'ineligible'])),
    cleaningRequired: Type.Optional(cleaningRequired),
    system: Type.Optional(ref(SystemInput)),
  },
  { $id: 'PatchNode', additionalProperties: false, examples: [{ zone: 'hall-3' }] },
);

export const DrainNode = Type.Object(
  {
    deadlineAt: Type.Optional(
      DateTime({ description: 'When what is left ends; one that is past ends it now.' }),
    ),
    deadlineS: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 31_536_000, description: 'The same in seconds from now.' }),
    ),
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  {
    $id: 'DrainNode',
    additionalProperties: false,
    examples: [{ deadlineS: 86_400, reason: 'new power supply' }, { reason: 'new power supply' }],
  },
);

export const EnrollNode = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: 200 }),
    hostname: Hostname(),
    system: Type.Optional(ref(SystemInput)),
  },
  {
    $id: 'EnrollNode',
    additionalProperties: false,
    examples: [{ token: 'dpi_enroll_…', hostname: 'rack-1' }],
  },
);

export const EnrolledNode = Type.Object(
  { node: ref(Node), apiKey: Type.String({ description: "The agent's key; shown this once." }) },
  { $id: 'EnrolledNode' },
);
