import { type Static, Type } from 'typebox';
import { Uuid } from '../../kernel/http/params.ts';
import { DateTime, Nullable, StrEnum } from '../../kernel/http/schemas.ts';
import { objectiveNames } from './claims/objectives.ts';
import { interruptions, states, wholeGpu } from './life/domain.ts';

const exampleGpu = '0198b6c4-6f0e-7c3a-9d5b-3f1f5e0c7a11';

const share = Type.Integer({
  minimum: 1,
  maximum: wholeGpu,
  description:
    'Thousandths of each GPU; 1,000 is a whole one, which nobody shares. By request a share goes to the fullest GPU that ' +
    'still fits, then to the best by the objective; less than 1,000 goes with no `groups`.',
});
export const holdTtlS = Type.Integer({ minimum: 1, maximum: 86_400, examples: [300] });
export const durationS = Type.Integer({ minimum: 1, maximum: 31_536_000, examples: [3600] });
export const purpose = Type.String({ minLength: 1, maxLength: 200, examples: ['training run 42'] });
export const onInterruption = StrEnum(interruptions, {
  description:
    'When a node of it goes offline or a GPU of it is lost: `release` interrupts it at once, `grace` unless it is back ' +
    'within `graceS`, `keep` not at all. Nothing is billed meanwhile.',
});
export const graceS = Type.Integer({ minimum: 1, maximum: 86_400, examples: [600] });
const nanoUsd = () => Type.String({ pattern: '^\\d{1,22}$', examples: ['250000000'] });

const AllocatedGpu = Type.Object({
  gpuId: Uuid(),
  nodeId: Uuid(),
  providerId: Uuid(),
  share,
  pricePerHourNanoUsd: Nullable(nanoUsd()),
});

export const Allocation = Type.Object(
  {
    id: Uuid(),
    tenantId: Uuid(),
    state: StrEnum(states),
    gpus: Type.Array(AllocatedGpu, { description: 'In the order of their ids.' }),
    request: Nullable(
      Type.Unsafe<object>({
        type: 'object',
        additionalProperties: true,
        description: 'What was asked for; null where GPUs were named.',
      }),
    ),
    purpose: Nullable(purpose),
    pricePerHourNanoUsd: Nullable(
      Type.String({
        description: "The sum over the GPUs at the claim's moment; null where any is unpriced.",
        examples: ['250000000'],
      }),
    ),
    holdTtlS: Nullable(holdTtlS),
    durationS: Nullable(durationS),
    onInterruption,
    graceS: Nullable(graceS),
    heldUntil: Nullable(DateTime()),
    expiresAt: Nullable(DateTime()),
    activatedAt: Nullable(DateTime()),
    impairedBy: Nullable(
      StrEnum(['node_offline', 'gpu_lost'], { description: 'Why it is not billed, or was not at its end.' }),
    ),
    interruptAt: Nullable(
      DateTime({ description: 'When it is interrupted unless what is missing comes back.' }),
    ),
    releasedAt: Nullable(DateTime()),
    billingStoppedAt: Nullable(
      DateTime({
        description:
          'From when on nothing is billed: since a GPU or node of it is missing, else since its end. Null while it is.',
      }),
    ),
    endReason: Nullable(
      Type.String({
        description:
          '`hold_expired`, `duration_ended`, `gpu_lost`, `node_offline`, `drained`, or what the release gave; `released` ' +
          'by default.',
      }),
    ),
    version: Type.Integer({ minimum: 1 }),
    createdAt: DateTime(),
    updatedAt: DateTime(),
  },
  { $id: 'Allocation' },
);

const count = Type.Integer({ minimum: 1, maximum: 1000, examples: [2] });

/** What GPUs must be like, and have in common. */
const ask = {
  filter: Type.Optional(Type.Unsafe<object>({ $ref: 'GpuFilter#' })),
  sameNode: Type.Optional(Type.Boolean({ description: 'All on one node.' })),
  sameModel: Type.Optional(Type.Boolean({ description: 'All of one model.' })),
  distinctProviders: Type.Optional(Type.Boolean({ description: 'Each from another provider.' })),
  excludeWarnings: Type.Optional(Type.Boolean({ description: 'No GPU with a health warning.' })),
};

export const GpuGroup = Type.Object({ count, ...ask }, { $id: 'GpuGroup', additionalProperties: false });

const request = {
  count: Type.Optional({ ...count, description: 'Required without `groups`; with them it is their sum.' }),
  ...ask,
  groups: Type.Optional(
    Type.Array(Type.Unsafe<Static<typeof GpuGroup>>({ $ref: 'GpuGroup#' }), {
      minItems: 1,
      maxItems: 16,
      description:
        'Several asks in one for whole GPUs, all or nothing, no GPU in two of them. What the request says beside them holds for all: ' +
        '`filter` and `excludeWarnings` for each GPU, `sameNode` and `sameModel` for all groups together.',
    }),
  ),
  objective: Type.Optional(StrEnum(objectiveNames, { default: 'cheapest' })),
};

export const GpuAlternative = Type.Object(request, { $id: 'GpuAlternative', additionalProperties: false });

export const gpuRequest = {
  ...request,
  alternatives: Type.Optional(
    Type.Array(Type.Unsafe<Static<typeof GpuAlternative>>({ $ref: 'GpuAlternative#' }), {
      minItems: 1,
      maxItems: 10,
      description:
        'Whole requests, tried in this order where the one beside them does not fit; the first that fits wins. Each is for ' +
        'as many GPUs where it does not say how many.',
    }),
  ),
};

export const GpuRequest = Type.Object(gpuRequest, { $id: 'GpuRequest', additionalProperties: false });

/** Of an answer with candidates. */
export const answerOptions = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 10 })),
  explain: Type.Optional(
    Type.Boolean({
      description: 'Explain the answer even where something fits; what does not fit is explained anyway.',
    }),
  ),
};

export const AllocationRequest = Type.Object(
  {
    ...gpuRequest,
    holdTtlS: Type.Optional({ ...holdTtlS, description: 'Counts where none stands beside the request.' }),
    ...answerOptions,
  },
  {
    $id: 'AllocationRequest',
    additionalProperties: false,
    description: 'As candidates are asked for; `limit` and `explain` say nothing of an allocation.',
  },
);

export const CreateAllocation = Type.Object(
  {
    gpuIds: Type.Optional(
      Type.Array(Uuid(), {
        minItems: 1,
        maxItems: 1000,
        uniqueItems: true,
        description: 'Exactly these; either this or `request`.',
      }),
    ),
    request: Type.Optional(
      Type.Unsafe<Static<typeof AllocationRequest>>({
        $ref: 'AllocationRequest#',
        description: 'Whichever fit; either this or `gpuIds`.',
      }),
    ),
    purpose: Type.Optional(Nullable(purpose)),
    holdTtlS: Type.Optional(holdTtlS),
    durationS: Type.Optional(durationS),
    onInterruption: Type.Optional(onInterruption),
    graceS: Type.Optional(graceS),
    tenantId: Type.Optional(Uuid({ description: 'For whom an operator allocates; nobody else names it.' })),
    share: Type.Optional(share),
  },
  {
    $id: 'CreateAllocation',
    additionalProperties: false,
    examples: [
      { gpuIds: [exampleGpu], holdTtlS: 300, purpose: 'training run 42' },
      { request: { count: 2, filter: { minMemoryMb: 24_000 }, sameNode: true, objective: 'cheapest' } },
    ],
  },
);

export const ConfirmAllocation = Type.Object(
  {},
  { $id: 'ConfirmAllocation', additionalProperties: false, examples: [{}] },
);

export const ExtendAllocation = Type.Object(
  { holdTtlS: Type.Optional(holdTtlS), durationS: Type.Optional(durationS) },
  {
    $id: 'ExtendAllocation',
    additionalProperties: false,
    maxProperties: 1,
    description:
      'Seconds from now: `holdTtlS` of a hold, `durationS` of an active one; as first asked by default.',
    examples: [{ holdTtlS: 300 }],
  },
);

export const ReleaseAllocation = Type.Object(
  { reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200, examples: ['done'] })) },
  { $id: 'ReleaseAllocation', additionalProperties: false, examples: [{ reason: 'done' }] },
);
