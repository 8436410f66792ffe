import { Type } from 'typebox';
import { roles } from '../../kernel/context.ts';
import { Uuid } from '../../kernel/http/params.ts';
import { DateTime, Nullable, StrEnum } from '../../kernel/http/schemas.ts';
import { permissionNames } from './permissions.ts';

const name = Type.String({ minLength: 1, maxLength: 200, examples: ['scheduler eu-1'] });
const scopes = Type.Array(StrEnum(permissionNames), {
  maxItems: permissionNames.length,
  description:
    'Permissions that the key is limited to; empty: all of its role. A key with scopes makes keys within its own only.',
});

export const ApiKey = Type.Object(
  {
    id: Uuid(),
    name,
    role: StrEnum(roles),
    providerId: Nullable(Uuid()),
    nodeId: Nullable(Uuid()),
    tenantId: Nullable(Uuid()),
    scopes,
    hint: Type.String({ description: 'The last four characters of the key.' }),
    disabled: Type.Boolean(),
    rotatedFrom: Nullable(Uuid()),
    expiresAt: Nullable(DateTime()),
    lastUsedAt: Nullable(DateTime()),
    version: Type.Integer({ minimum: 1 }),
    createdAt: DateTime(),
    updatedAt: DateTime(),
  },
  { $id: 'ApiKey' },
);

export const ApiKeyWithSecret = Type.Object(
  {
    ...ApiKey.properties,
    key: Type.String({ description: 'The key itself; shown this once.', examples: ['dpi_live_…'] }),
  },
  { $id: 'ApiKeyWithSecret' },
);

export const CreateApiKey = Type.Object(
  {
    name,
    role: StrEnum(roles),
    providerId: Type.Optional(Nullable(Uuid({ description: 'Required for role provider.' }))),
    nodeId: Type.Optional(Nullable(Uuid({ description: 'Required for role agent.' }))),
    tenantId: Type.Optional(Nullable(Uuid({ description: 'Required for role tenant.' }))),
    scopes: Type.Optional(scopes),
    expiresAt: Type.Optional(Nullable(DateTime())),
  },
  {
    $id: 'CreateApiKey',
    additionalProperties: false,
    examples: [{ name: 'scheduler eu-1', role: 'viewer', scopes: ['gpus:read'] }],
  },
);

export const PatchApiKey = Type.Object(
  {
    name: Type.Optional(name),
    scopes: Type.Optional(scopes),
    disabled: Type.Optional(Type.Boolean()),
    expiresAt: Type.Optional(Nullable(DateTime())),
  },
  { $id: 'PatchApiKey', additionalProperties: false, examples: [{ disabled: true }] },
);

export const RotateApiKey = Type.Object(
  {
    overlapS: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 604_800,
        description: 'How long the old key still works, in seconds; 3,600 by default.',
      }),
    ),
  },
  { $id: 'RotateApiKey', additionalProperties: false, examples: [{ overlapS: 600 }] },
);

const gpuLimit = (description: string) =>
  Type.Optional(Nullable(Type.Integer({ minimum: 0, maximum: 1_000_000, description })));

const quotas = Type.Object(
  {
    maxGpus: gpuLimit('GPUs held or allocated at once; a share counts as its fraction.'),
    maxMemoryMb: Type.Optional(
      Nullable(
        Type.Integer({
          minimum: 0,
          maximum: 2 ** 40,
          description: 'Their memory in MiB, shares in proportion.',
        }),
      ),
    ),
    maxHeldGpus: gpuLimit('Of these, GPUs on hold.'),
    maxPricePerHourNanoUsd: Type.Optional(
      Nullable(
        Type.String({
          pattern: '^\\d{1,18}$',
          maxLength: 18,
          description:
            'What they cost by the hour at the prices of their claims; unpriced ones count nothing.',
        }),
      ),
    ),
  },
  {
    additionalProperties: false,
    description:
      'Limits of what a tenant has at once, checked by the database in every claim; null or absent is no limit. One ' +
      'below what is in use takes nothing away and refuses what would add to it.',
  },
);

const usage = Type.Object(
  {
    gpus: Type.Number({ minimum: 0, examples: [2.5] }),
    memoryMb: Type.Integer({ minimum: 0 }),
    heldGpus: Type.Number({ minimum: 0 }),
    pricePerHourNanoUsd: Type.String({ pattern: '^\\d+$', examples: ['250000000'] }),
  },
  {
    description:
      'What the tenant has now, counted as its quotas count it. It is no part of the record: `version` does not move ' +
      'with it.',
  },
);

export const Tenant = Type.Object(
  {
    id: Uuid(),
    name,
    quotas: Nullable(quotas),
    usage,
    version: Type.Integer({ minimum: 1 }),
    createdAt: DateTime(),
    updatedAt: DateTime(),
  },
  { $id: 'Tenant' },
);

export const CreateTenant = Type.Object(
  { name, quotas: Type.Optional(Nullable(quotas)) },
  {
    $id: 'CreateTenant',
    additionalProperties: false,
    examples: [{ name: 'Protein folding', quotas: { maxGpus: 64 } }],
  },
);

export const PatchTenant = Type.Object(
  { name: Type.Optional(name), quotas: Type.Optional(Nullable(quotas)) },
  { $id: 'PatchTenant', additionalProperties: false, examples: [{ quotas: { maxGpus: 128 } }] },
);

export const Whoami = Type.Object(
  {
    keyId: Uuid(),
    role: StrEnum(roles),
    providerId: Nullable(Uuid()),
    nodeId: Nullable(Uuid()),
    tenantId: Nullable(Uuid()),
    scopes,
    permissions: Type.Array(StrEnum(permissionNames)),
    tenant: Nullable(Type.Object({ name, quotas: Nullable(quotas), usage })),
  },
  { $id: 'Whoami' },
);
