import { type Static, Type } from 'typebox';
import { Uuid } from '../../kernel/http/params.ts';
import { DateTime, Nullable, StrEnum } from '../../kernel/http/schemas.ts';

export const heartbeatStatuses = ['healthy', 'degraded', 'maintenance'] as const;

const largestInteger = Number.MAX_SAFE_INTEGER;
const number = (minimum: number, maximum: number) => Nullable(Type.Number({ minimum, maximum }));
const integer = (maximum: number) => Nullable(Type.Integer({ minimum: 0, maximum }));
const percent = () => number(0, 100);
const bitsPerSecond = () => number(0, 1e15);

const systemMetrics = {
  cpuUtilization: percent(),
  memoryUtilization: percent(),
  diskUtilization: percent(),
  networkReceiveBps: bitsPerSecond(),
  networkTransmitBps: bitsPerSecond(),
  loadAverage: number(0, 1e6),
  uptimeS: number(0, largestInteger),
};

const readings = {
  utilization: percent(),
  memoryUsedMb: integer(2 ** 31 - 1),
  memoryUtilization: percent(),
  temperatureC: number(-100, 200),
  powerDrawW: number(0, 100_000),
  fanSpeed: percent(),
  smClockMhz: integer(1_000_000),
  memoryClockMhz: integer(1_000_000),
  eccUncorrected: integer(largestInteger),
  xidErrors: Nullable(Type.Array(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }), { maxItems: 256 })),
};

const telemetry = Type.Object(
  {
    uuid: Type.String({
      minLength: 1,
      maxLength: 128,
      description: 'Hardware uuid; one that the node does not have is ignored.',
    }),
    ...Type.Partial(Type.Object(readings)).properties,
  },
  { additionalProperties: false },
);

const heartbeat = {
  nodeId: Uuid(),
  sequence: Type.Integer({
    minimum: 0,
    maximum: largestInteger,
    description: 'Above the last one; a restarted agent goes on from epoch milliseconds.',
  }),
  status: StrEnum(heartbeatStatuses),
};

const example = {
  nodeId: '01931a2b-0000-7000-8000-000000000001',
  sequence: 1_790_000_000_000,
  status: 'healthy',
  systemMetrics: { cpuUtilization: 12.5, memoryUtilization: 40, uptimeS: 86_400 },
  gpus: [{ uuid: 'GPU-5f2c9a1e', utilization: 97, memoryUsedMb: 20_480, temperatureC: 71, xidErrors: [] }],
};

export const HeartbeatInput = Type.Object(
  {
    ...heartbeat,
    sentAt: Type.Optional(
      Nullable(
        Type.String({
          format: 'date-time',
          maxLength: 40,
          description: 'By the clock of the node; it is kept, and decides nothing.',
        }),
      ),
    ),
    systemMetrics: Type.Optional(
      Nullable(Type.Partial(Type.Object(systemMetrics), { additionalProperties: false })),
    ),
    gpus: Type.Optional(Type.Array(telemetry, { maxItems: 1024 })),
  },
  { $id: 'HeartbeatInput', additionalProperties: false, examples: [example] },
);
export type HeartbeatInput = Static<typeof HeartbeatInput>;

const moment = (description: string) => Type.String({ format: 'date-time', description });

const directiveTypes = ['take_snapshot', 'answer_challenge', 'drain'] as const;

/** What the node is asked to do; told again with every heartbeat while it stands. */
const Directive = Type.Object({
  type: StrEnum(directiveTypes),
  verificationId: Type.Optional(Uuid({ description: 'The challenge that wants an answer.' })),
  gpuId: Type.Optional(Uuid({ description: 'Whose challenge it is.' })),
  deadlineAt: Type.Optional(
    Nullable(Type.String({ format: 'date-time', description: 'Until then; null: for as long as it takes.' })),
  ),
});
export type Directive = Static<typeof Directive>;

export const HeartbeatAnswer = Type.Object(
  {
    accepted: Type.Boolean(),
    ignoredReason: Type.Optional(StrEnum(['stale_sequence'])),
    serverTime: moment('When the heartbeat was received, by the clock of the database.'),
    nextHeartbeatInMs: Type.Integer({
      description: 'Send the next one after this time: scaled and jittered.',
    }),
    deadlineAt: moment('The node reads `late` from then on, unless it is heard before.'),
    directives: Type.Optional(
      Type.Array(Directive, { description: 'What the node is asked to do; absent where that is nothing.' }),
    ),
  },
  { $id: 'HeartbeatAnswer' },
);
export type HeartbeatAnswer = Static<typeof HeartbeatAnswer>;

export const HeartbeatBatch = Type.Object(
  {
    heartbeats: Type.Array(Type.Unsafe<HeartbeatInput>({ $ref: 'HeartbeatInput#' }), {
      minItems: 1,
      maxItems: 1000,
    }),
  },
  { $id: 'HeartbeatBatch', additionalProperties: false, examples: [{ heartbeats: [example] }] },
);

export const HeartbeatBatchAnswer = Type.Object(
  {
    accepted: Type.Integer({ description: 'How many were.' }),
    ignored: Type.Integer(),
    results: Type.Array(Type.Unsafe<HeartbeatAnswer>({ $ref: 'HeartbeatAnswer#' }), {
      description: 'In the order of `heartbeats`.',
    }),
  },
  { $id: 'HeartbeatBatchAnswer' },
);
export type HeartbeatBatchAnswer = Static<typeof HeartbeatBatchAnswer>;

export const Heartbeat = Type.Object(
  {
    id: Uuid(),
    nodeId: heartbeat.nodeId,
    providerId: Uuid(),
    sequence: heartbeat.sequence,
    sentAt: Nullable(DateTime()),
    receivedAt: DateTime(),
    status: heartbeat.status,
    accepted: Type.Boolean({ description: 'False where its sequence was stale: it changed no state.' }),
    systemMetrics: Type.Object(systemMetrics),
    gpus: Type.Array(Type.Object({ uuid: Type.String(), ...readings })),
  },
  { $id: 'Heartbeat' },
);
export type Heartbeat = Static<typeof Heartbeat>;

export const metricNames = Object.keys(systemMetrics) as (keyof typeof systemMetrics)[];
export const readingNames = Object.keys(readings) as (keyof typeof readings)[];
