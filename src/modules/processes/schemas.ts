import { type Static, Type } from 'typebox';
import { Uuid } from '../../kernel/http/params.ts';
import { DateTime, Nullable } from '../../kernel/http/schemas.ts';

export const processStates = ['running', 'ended'] as const;

const largestInteger = 2_147_483_647;

const pid = Type.Integer({ minimum: 0, maximum: largestInteger, examples: [4711] });
const name = Nullable(
  Type.String({ minLength: 1, maxLength: 1024, examples: ['/usr/bin/python3'], description: 'Its command.' }),
);
const user = Nullable(Type.String({ minLength: 1, maxLength: 256, examples: ['alice'] }));
const memoryUsedMb = Nullable(
  Type.Integer({ minimum: 0, maximum: largestInteger, description: 'Memory of the GPU, in MiB.' }),
);

const generation = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'Grows with every list of the GPU; an older one is refused.',
});

export const GpuProcess = Type.Object(
  {
    id: Uuid(),
    gpuId: Uuid(),
    pid,
    name,
    user,
    memoryUsedMb,
    startedAt: DateTime(),
    endedAt: Nullable(DateTime()),
    allocationId: Nullable(Uuid({ description: 'The allocation that it ran for.' })),
  },
  { $id: 'GpuProcess' },
);
export type GpuProcess = Static<typeof GpuProcess>;

export const GpuProcessInput = Type.Object(
  {
    pid,
    name: Type.Optional(name),
    user: Type.Optional(user),
    memoryUsedMb: Type.Optional(memoryUsedMb),
    startedAt: Type.Optional(
      Nullable(
        Type.String({
          format: 'date-time',
          maxLength: 40,
          description: 'By the clock of the node; when it is first listed by default.',
        }),
      ),
    ),
  },
  { $id: 'GpuProcessInput', additionalProperties: false },
);
export type GpuProcessInput = Static<typeof GpuProcessInput>;

export const PutGpuProcesses = Type.Object(
  {
    generation,
    processes: Type.Array(Type.Unsafe<GpuProcessInput>({ $ref: 'GpuProcessInput#' }), { maxItems: 1000 }),
  },
  {
    $id: 'PutGpuProcesses',
    additionalProperties: false,
    examples: [
      {
        generation: 1,
        processes: [{ pid: 4711, name: '/usr/bin/python3', user: 'alice', memoryUsedMb: 20_480 }],
      },
    ],
  },
);

const count = (description: string) => Type.Integer({ minimum: 0, description });

export const GpuProcessList = Type.Object(
  {
    generation,
    started: count('Processes that were not listed before.'),
    ended: count('Processes that are no longer listed.'),
    processes: Type.Array(Type.Unsafe<GpuProcess>({ $ref: 'GpuProcess#' }), { maxItems: 1000 }),
  },
  { $id: 'GpuProcessList' },
);
