import { Type } from 'typebox';
import { Uuid } from '../../../kernel/http/params.ts';
import { DateTime, StrEnum } from '../../../kernel/http/schemas.ts';

const reason = Type.String({ minLength: 1, maxLength: 200, examples: ['wiped by hand'] });

export const GpuCleaning = Type.Object(
  {
    gpuId: Uuid(),
    leftovers: Type.Array(
      Type.Object({
        allocationId: Uuid(),
        since: DateTime({ description: 'Since when the node can be at it.' }),
        deadlineAt: DateTime({ description: 'When the GPU is quarantined unless it is clean.' }),
      }),
      { description: 'What is to be cleaned, the oldest first; none where nothing is.' },
    ),
  },
  { $id: 'GpuCleaning' },
);

export const ReportCleaning = Type.Object(
  {
    allocationId: Type.Optional(
      Uuid({ description: 'Whose leftovers it is about; only an operator may leave it out: all.' }),
    ),
    outcome: Type.Optional(
      StrEnum(['clean', 'failed'], {
        default: 'clean',
        description: '`failed` quarantines the GPU at once.',
      }),
    ),
    reason: Type.Optional(reason),
  },
  {
    $id: 'ReportCleaning',
    additionalProperties: false,
    examples: [
      { allocationId: '0198b6c4-6f0e-7c3a-9d5b-3f1f5e0c7a11', outcome: 'clean' },
      { reason: 'wiped by hand' },
    ],
  },
);
