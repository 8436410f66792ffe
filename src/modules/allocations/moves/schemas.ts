import { Type } from 'typebox';
import { Uuid } from '../../../kernel/http/params.ts';

export const MoveAllocation = Type.Object(
  {
    gpuIds: Type.Optional(
      Type.Array(Uuid(), {
        minItems: 1,
        maxItems: 1000,
        uniqueItems: true,
        description:
          'All that it is to have: those that stay, and those that come. Either this or `request`.',
      }),
    ),
    request: Type.Optional(
      Type.Unsafe<object>({
        $ref: 'GpuRequest#',
        description: 'The best free GPUs for it, in the place of all that it has. Either this or `gpuIds`.',
      }),
    ),
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  {
    $id: 'MoveAllocation',
    additionalProperties: false,
    examples: [
      { gpuIds: ['0198b6c4-6f0e-7c3a-9d5b-3f1f5e0c7a11'], reason: 'needs fewer' },
      { request: { count: 4, filter: { minMemoryMb: 24_000 }, sameNode: true } },
    ],
  },
);
