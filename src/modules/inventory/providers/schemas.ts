import { Type } from 'typebox';
import { Uuid } from '../../../kernel/http/params.ts';
import { DateTime, Nullable, ref, StrEnum } from '../../../kernel/http/schemas.ts';
import {
  Attributes,
  Email,
  Hostname,
  Labels,
  LabelsPatch,
  providerKinds,
  providerLifecycles,
  Region,
  WalletAddress,
} from '../fields.ts';
import { GpuInput } from '../gpus/schemas.ts';
import { Node } from '../nodes/schemas.ts';

const name = Type.String({ minLength: 1, maxLength: 200, examples: ['Northern Lights Compute'] });
const country = Type.String({
  pattern: '^[A-Z]{2}$',
  maxLength: 2,
  description: 'ISO 3166-1 alpha-2.',
  examples: ['DE'],
});
const publicKey = Type.String({ minLength: 1, maxLength: 1000 });

const reputation = Type.Object({
  state: StrEnum(['insufficient_data', 'scored']),
  score: Nullable(Type.Number()),
  lowerBound: Nullable(Type.Number({ description: 'Lower confidence bound of the score.' })),
  sampleSize: Type.Integer({ minimum: 0 }),
  formulaVersion: Type.String(),
});

export const Provider = Type.Object(
  {
    id: Uuid(),
    name,
    email: Nullable(Type.String({ description: 'Null for callers of other organisations.' })),
    walletAddress: Nullable(Type.String()),
    kind: StrEnum(providerKinds),
    lifecycle: StrEnum(providerLifecycles),
    region: Region(),
    country: Nullable(country),
    labels: Labels(),
    attributes: Attributes(),
    publicKey: Nullable(publicKey),
    reputation,
    counts: Type.Object({
      nodes: Type.Integer({ minimum: 0 }),
      gpus: Type.Integer({ minimum: 0 }),
      gpusFree: Type.Integer({ minimum: 0, description: 'Neither held nor allocated.' }),
    }),
    problems: Type.Array(Type.String(), {
      description: 'Why GPUs of this provider are not schedulable, worst first.',
    }),
    version: Type.Integer({ minimum: 1 }),
    createdAt: DateTime(),
    updatedAt: DateTime(),
  },
  { $id: 'Provider' },
);

/** The answer to a nested registration shows what it made. */
export const RegisteredProvider = Type.Object(
  { ...Provider.properties, nodes: Type.Optional(Type.Array(ref(Node))) },
  { $id: 'RegisteredProvider' },
);

const input = {
  name,
  email: Email(),
  region: Region(),
  country: Type.Optional(Nullable(country)),
  kind: Type.Optional(StrEnum(providerKinds)),
  walletAddress: Type.Optional(Nullable(WalletAddress())),
  publicKey: Type.Optional(Nullable(publicKey)),
  labels: Type.Optional(Labels()),
  attributes: Type.Optional(Attributes()),
};

export const CreateProvider = Type.Object(
  {
    ...input,
    lifecycle: Type.Optional(StrEnum(['active', 'pending'])),
    nodes: Type.Optional(
      Type.Array(
        Type.Object(
          {
            hostname: Hostname(),
            region: Type.Optional(Nullable(Region())),
            zone: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 64 }))),
            labels: Type.Optional(Labels()),
            gpus: Type.Optional(Type.Array(ref(GpuInput), { maxItems: 1000 })),
          },
          { additionalProperties: false },
        ),
        { maxItems: 1000, description: 'Made together with the provider: all or nothing.' },
      ),
    ),
  },
  {
    $id: 'CreateProvider',
    additionalProperties: false,
    examples: [
      {
        name: 'Northern Lights Compute',
        email: 'ops@northern-lights.example',
        region: 'eu-north',
        kind: 'datacenter',
      },
    ],
  },
);

export const Register = Type.Object(input, {
  $id: 'Register',
  additionalProperties: false,
  examples: [{ name: 'Rig in the attic', email: 'me@attic.example', region: 'eu-central' }],
});

export const Registered = Type.Object(
  { provider: ref(Provider), apiKey: Type.String({ description: 'The provider key; shown this once.' }) },
  { $id: 'Registered' },
);

export const PatchProvider = Type.Object(
  {
    ...Type.Partial(Type.Object(input)).properties,
    labels: Type.Optional(LabelsPatch()),
    attributes: Type.Optional(Nullable(Attributes())),
    lifecycle: Type.Optional(StrEnum(providerLifecycles)),
  },
  { $id: 'PatchProvider', additionalProperties: false, examples: [{ region: 'eu-west' }] },
);

export const CreateEnrollmentToken = Type.Object(
  {
    ttlS: Type.Optional(
      Type.Integer({
        minimum: 60,
        maximum: 2_592_000,
        description: 'Validity in seconds; 86,400 by default.',
      }),
    ),
  },
  { $id: 'CreateEnrollmentToken', additionalProperties: false, examples: [{ ttlS: 3600 }] },
);

export const EnrollmentToken = Type.Object(
  {
    token: Type.String({ description: 'Good for one enrolment; shown this once.' }),
    expiresAt: DateTime(),
  },
  { $id: 'EnrollmentToken' },
);
