import { Type } from 'typebox';
import { Uuid } from '../../kernel/http/params.ts';
import { DateTime, Nullable, StrEnum } from '../../kernel/http/schemas.ts';

export const findingStates = ['open', 'resolved'] as const;
const resolution = Type.String({
  minLength: 1,
  maxLength: 1000,
  examples: ['The provider corrected the claim.'],
});

export const Finding = Type.Object(
  {
    id: Uuid(),
    kind: Type.String({ examples: ['spec_mismatch'] }),
    subjectKey: Type.String({
      description: 'What it is about; one open finding of a kind, provider and subject.',
    }),
    providerId: Uuid(),
    nodeId: Nullable(Uuid()),
    gpuId: Nullable(Uuid()),
    detail: Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      additionalProperties: true,
      description: 'What contradicts what.',
    }),
    state: StrEnum(findingStates),
    resolution: Nullable(resolution),
    version: Type.Integer({ minimum: 1 }),
    createdAt: DateTime(),
    resolvedAt: Nullable(DateTime()),
  },
  { $id: 'Finding' },
);

export const ResolveFinding = Type.Object(
  { resolution: Type.Optional(resolution) },
  {
    $id: 'ResolveFinding',
    additionalProperties: false,
    examples: [{ resolution: 'The seller had sent another card.' }],
  },
);
