import { Type } from 'typebox';
import { Uuid } from '../../kernel/http/params.ts';
import { DateTime, Nullable, StrEnum } from '../../kernel/http/schemas.ts';

export const kinds = ['spec', 'benchmark', 'work', 'tee'] as const;
export const states = ['challenged', 'submitted', 'decided', 'expired'] as const;
export const verdicts = ['valid', 'invalid', 'unverifiable'] as const;

const level = Type.Integer({ minimum: 0, maximum: 4 });
const reason = Type.String({ minLength: 1, maxLength: 1000, examples: ['All measures agree.'] });
const nonce = Type.String({
  minLength: 1,
  maxLength: 100,
  examples: ['yXo4m1sQb0T2r7c0mJwq0eVY3m9y2l8h5dPq6nKx1aE'],
});

const freeForm = (description: string, example: Record<string, unknown>) =>
  Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    maxProperties: 256,
    additionalProperties: true,
    description,
    examples: [example],
  });

const evidence = freeForm(
  'Free in form: `schemaVersion` says by which schema. Of a valid verdict, known members of `specs` and ' +
    '`capabilities` become what is attested of the GPU. At most 64 KiB as JSON.',
  { schemaVersion: '1', specs: { memoryTotalMb: 24564, streamingMultiprocessors: 128 } },
);

const finding = Type.Object(
  {
    kind: Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$', maxLength: 64, examples: ['spec_mismatch'] }),
    detail: Type.Optional(freeForm('What contradicts what.', { claimed: 24576, measured: 12288 })),
  },
  { additionalProperties: false },
);

export const Verification = Type.Object(
  {
    id: Uuid(),
    gpuId: Uuid(),
    nodeId: Uuid({ description: 'Where the GPU was when it was challenged.' }),
    providerId: Uuid(),
    kind: StrEnum(kinds),
    state: StrEnum(states),
    nonce: Nullable(Type.String({ description: 'Good for one submission; null for viewers.' })),
    expiresAt: DateTime(),
    evidence: Type.Optional(Nullable(evidence)),
    evidenceSha256: Nullable(
      Type.String({ description: 'Of the canonical JSON (RFC 8785), in hexadecimal.' }),
    ),
    submittedBy: Nullable(Type.String({ description: 'Role and key of the signer.' })),
    submittedAt: Nullable(DateTime()),
    verdict: Nullable(StrEnum(verdicts)),
    reason: Nullable(reason),
    findings: Type.Array(finding),
    level: Nullable(Type.Integer({ minimum: 0, maximum: 4, description: 'That the verdict granted.' })),
    validUntil: Nullable(DateTime()),
    verifierId: Nullable(Type.String({ description: 'Key that decided.' })),
    decidedAt: Nullable(DateTime()),
    version: Type.Integer({ minimum: 1 }),
    createdAt: DateTime(),
  },
  { $id: 'Verification' },
);

export const CreateVerification = Type.Object(
  { gpuId: Uuid(), kind: StrEnum(kinds) },
  {
    $id: 'CreateVerification',
    additionalProperties: false,
    examples: [{ gpuId: '0198c0de-0000-7000-8000-000000000003', kind: 'spec' }],
  },
);

export const SubmitEvidence = Type.Object(
  { nonce, evidence },
  {
    $id: 'SubmitEvidence',
    additionalProperties: false,
    examples: [
      {
        nonce: 'yXo4m1sQb0T2r7c0mJwq0eVY3m9y2l8h5dPq6nKx1aE',
        evidence: { schemaVersion: '1', specs: { memoryTotalMb: 24564, streamingMultiprocessors: 128 } },
      },
    ],
  },
);

export const DecideVerification = Type.Object(
  {
    verdict: StrEnum(verdicts),
    level: Type.Optional(
      Type.Integer({
        ...level,
        description:
          'Of a valid verdict; by default, and at most, what a verification of this kind can reach.',
      }),
    ),
    findings: Type.Optional(
      Type.Array(finding, { maxItems: 50, description: 'Contradictions that were seen; each is opened.' }),
    ),
    reason: Type.Optional(Nullable(reason)),
  },
  { $id: 'DecideVerification', additionalProperties: false, examples: [{ verdict: 'valid', level: 1 }] },
);
