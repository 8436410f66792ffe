import { Type } from 'typebox';
import { Uuid } from '../../kernel/http/params.ts';
import { DateTime, Nullable, StrEnum } from '../../kernel/http/schemas.ts';
import { recommendedActions } from './known-codes.ts';

export const outcomes = ['ok', 'warning', 'failed'] as const;

const check = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '\\S',
  description:
    'Open set; `xid`, `ecc`, `memory`, `thermal`, `power`, `nvlink`, `pcie`, `driver` have known codes.',
  examples: ['xid'],
});
const code = Type.String({ minLength: 1, maxLength: 64, description: 'Open set.', examples: ['79'] });
const message = Type.String({ minLength: 1, maxLength: 1000, examples: ['GPU has fallen off the bus'] });

/** What the tool printed, stored and shown as it is. */
const raw = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  maxProperties: 256,
  additionalProperties: true,
  description: 'What the tool said; at most 16 KiB as JSON.',
  examples: [{ pid: 4242, channel: '0000001c' }],
});

export const HealthCheck = Type.Object(
  {
    id: Uuid(),
    gpuId: Nullable(Uuid({ description: 'Null where a whole node was observed.' })),
    nodeId: Uuid({ description: "The observed node, or the GPU's at that time." }),
    providerId: Uuid(),
    check,
    outcome: StrEnum(outcomes),
    fatal: Type.Boolean(),
    code: Nullable(code),
    message: Nullable(message),
    underLoad: Type.Boolean(),
    recommendedAction: StrEnum(recommendedActions),
    observedAt: DateTime(),
    source: Type.String({ description: 'Role and key of who reported it.' }),
    raw: Nullable(raw),
    createdAt: DateTime(),
  },
  { $id: 'HealthCheck' },
);

export const CreateHealthCheck = Type.Object(
  {
    gpuId: Type.Optional(Uuid({ description: 'Either this or `nodeId`.' })),
    nodeId: Type.Optional(Uuid({ description: 'Either this or `gpuId`.' })),
    check,
    outcome: StrEnum(outcomes),
    fatal: Type.Optional(
      Type.Boolean({
        description: 'Of a failure only; a known code is at least as severe as the catalogue says.',
      }),
    ),
    code: Type.Optional(Nullable(code)),
    message: Type.Optional(Nullable(message)),
    underLoad: Type.Optional(
      Type.Boolean({ description: 'The GPU was at work; what return to service needs.' }),
    ),
    observedAt: Type.Optional(DateTime()),
    raw: Type.Optional(Nullable(raw)),
  },
  {
    $id: 'CreateHealthCheck',
    additionalProperties: false,
    examples: [
      {
        gpuId: '0198c0de-0000-7000-8000-000000000003',
        check: 'xid',
        outcome: 'failed',
        code: '79',
        message: 'GPU has fallen off the bus',
      },
    ],
  },
);
