import { type TSchema, Type } from 'typebox';
import { Uuid } from '../../../kernel/http/params.ts';
import { DateTime, Nullable, Problem, ref, StrEnum } from '../../../kernel/http/schemas.ts';
import type { GpuCapabilities, GpuSpecs } from '../../catalogue/index.ts';
import { Labels, LabelsPatch } from '../fields.ts';
import {
  allocationStates,
  capabilityNames,
  gpuLifecycles,
  healths,
  presences,
  specKinds,
  specNames,
  vendors,
} from './properties.ts';

const text = (maxLength: number, ...examples: string[]) => Type.String({ minLength: 1, maxLength, examples });
const optional = <S extends TSchema>(schema: S) => Type.Optional(Nullable(schema));
const percent = Nullable(Type.Number({ minimum: 0, maximum: 100 }));
const count = Nullable(Type.Integer({ minimum: 0 }));

/** One measure; unknown is null. */
function specSchema(name: keyof GpuSpecs): TSchema {
  const kind = specKinds[name];
  if (kind.type === 'text') return Nullable(Type.String({ minLength: 1, maxLength: 64 }));
  if (kind.type === 'real') return Nullable(Type.Number({ minimum: kind.min, maximum: kind.max }));
  return Nullable(Type.Integer({ minimum: kind.min, maximum: kind.max }));
}

const each = (names: readonly string[], schema: (name: never) => TSchema) =>
  Object.fromEntries(names.map((name) => [name, schema(name as never)]));
const specProperties = each(specNames, specSchema);
const capabilityProperties = each(capabilityNames, () => Nullable(Type.Boolean()));

const object = (properties: Record<string, TSchema>) => ({
  type: 'object',
  properties,
  additionalProperties: false,
});
const specs = Type.Unsafe<GpuSpecs>(object(specProperties));
const capabilities = Type.Unsafe<GpuCapabilities>(object(capabilityProperties));
const specsInput = (example: Partial<GpuSpecs>) =>
  Type.Optional(Type.Unsafe<Partial<GpuSpecs>>({ ...object(specProperties), examples: [example] }));
const capabilitiesInput = (example: Partial<GpuCapabilities>) =>
  Type.Optional(
    Type.Unsafe<Partial<GpuCapabilities>>({ ...object(capabilityProperties), examples: [example] }),
  );

const price = Type.String({
  pattern: '^(0|[1-9][0-9]{0,17})$',
  maxLength: 18,
  description: 'Nano-USD an hour, a decimal string.',
  examples: ['450000000'],
});

const telemetry = Type.Object({
  at: DateTime(),
  utilization: percent,
  memoryUsedMb: count,
  memoryFreeMb: count,
  memoryUtilization: percent,
  temperatureC: Nullable(Type.Number()),
  powerDrawW: Nullable(Type.Number()),
  fanSpeed: percent,
  smClockMhz: count,
  memoryClockMhz: count,
  eccUncorrected: count,
  xidErrors: Type.Array(Type.Integer()),
});

/** What each source says of one property; `agreement` is null where fewer than two sources know it. */
const layeredProperty = Type.Object({
  declared: Type.Unknown({ description: 'What the provider says.' }),
  observed: Type.Record(Type.String(), Type.Unknown(), { description: 'What each source has seen.' }),
  attested: Type.Unknown({ description: 'What a verdict has confirmed.' }),
  agreement: Nullable(Type.Boolean()),
});

export const Gpu = Type.Object(
  {
    id: Uuid(),
    nodeId: Uuid(),
    providerId: Uuid(),
    uuid: Type.String({ description: 'Of the hardware; with the vendor it identifies the GPU.' }),
    index: count,
    pciBusId: Nullable(Type.String({ description: 'The slot, with an 8-digit domain.' })),
    serial: Nullable(Type.String()),
    vendor: StrEnum(vendors),
    name: Type.String(),
    pciDeviceId: Nullable(Type.String()),
    modelId: Type.String({ description: 'Of the catalogue, or `uncatalogued`.' }),
    parentGpuId: Nullable(Uuid({ description: 'The GPU that this one is a hardware partition of.' })),
    specs,
    capabilities,
    driverVersion: Nullable(Type.String()),
    cudaVersion: Nullable(Type.String()),
    vbiosVersion: Nullable(Type.String()),
    region: Type.String(),
    lifecycle: StrEnum(gpuLifecycles),
    presence: StrEnum(presences),
    health: StrEnum(healths),
    verification: Type.Object({
      level: Type.Integer({ minimum: 0, maximum: 4 }),
      expiresAt: Nullable(DateTime()),
    }),
    allocationState: StrEnum(allocationStates),
    isAllocated: Type.Boolean({ description: 'An allocation has it, be it held or active.' }),
    maintenance: Nullable(
      Type.Object(
        { startsAt: DateTime(), endsAt: DateTime() },
        { description: 'Announced for its node, and not over.' },
      ),
    ),
    schedulable: Type.Boolean(),
    unschedulableReasons: Type.Array(Type.String()),
    pricePerHourNanoUsd: Nullable(price),
    telemetry: Nullable(telemetry),
    labels: Labels(),
    layers: Type.Optional(
      Type.Record(Type.String(), layeredProperty, {
        description: 'By property; with `include=layers` only.',
      }),
    ),
    version: Type.Integer({ minimum: 1 }),
    createdAt: DateTime(),
    updatedAt: DateTime(),
  },
  { $id: 'Gpu' },
);

/** What a provider or an agent may say of a GPU, apart from what identifies it. Absent = unchanged, null = unknown. */
const factProperties = {
  index: optional(Type.Integer({ minimum: 0, maximum: 1023 })),
  pciBusId: optional(
    Type.String({
      pattern: '^(([0-9A-Fa-f]{4}|[0-9A-Fa-f]{8}):)?[0-9A-Fa-f]{2}:[01][0-9A-Fa-f]\\.[0-7]$',
      maxLength: 16,
      examples: ['0000:03:00.0'],
    }),
  ),
  pciDeviceId: optional(
    Type.String({
      pattern: '^(0[xX])?[0-9A-Fa-f]{4}(:?[0-9A-Fa-f]{4})?$',
      maxLength: 10,
      examples: ['10de:2684'],
    }),
  ),
  serial: optional(text(128)),
  driverVersion: optional(text(64, '580.95.05')),
  cudaVersion: optional(text(64, '13.0')),
  vbiosVersion: optional(text(64, '95.02.3c.00.91')),
  pricePerHourNanoUsd: optional(price),
};

const name = text(200, 'NVIDIA GeForce RTX 4090');

const inputProperties = {
  uuid: Type.String({
    pattern: '^\\s*[\\x21-\\x7e]{1,128}\\s*$',
    maxLength: 136,
    description: 'Of the hardware, as the driver prints it.',
    examples: ['GPU-2f3a8d1c-7b64-4e0a-9c55-0d1e2f3a4b5c'],
  }),
  vendor: StrEnum(vendors),
  name,
  ...factProperties,
  specs: specsInput({ memoryTotalMb: 24564, computeCapability: '8.9' }),
  capabilities: capabilitiesInput({ supportsCuda: true }),
  parentUuid: optional(
    Type.String({
      pattern: '^\\s*[\\x21-\\x7e]{1,128}\\s*$',
      maxLength: 136,
      description: 'Hardware uuid of the GPU on the same node that this one is a partition of.',
    }),
  ),
  labels: Type.Optional(Labels()),
};

const example = {
  uuid: 'GPU-2f3a8d1c-7b64-4e0a-9c55-0d1e2f3a4b5c',
  index: 0,
  pciBusId: '0000:03:00.0',
  pciDeviceId: '10de:2684',
  vendor: 'nvidia',
  name: 'NVIDIA GeForce RTX 4090',
  specs: { memoryTotalMb: 24564, computeCapability: '8.9' },
  driverVersion: '580.95.05',
};

export const GpuInput = Type.Object(inputProperties, {
  $id: 'GpuInput',
  additionalProperties: false,
  examples: [example],
});

export const CreateGpu = Type.Object(
  { nodeId: Uuid(), ...inputProperties },
  {
    $id: 'CreateGpu',
    additionalProperties: false,
    examples: [
      { nodeId: '0198c0de-0000-7000-8000-000000000002', ...example, pricePerHourNanoUsd: '450000000' },
    ],
  },
);

const patchProperties = {
  name: Type.Optional(name),
  ...factProperties,
  lifecycle: Type.Optional(StrEnum(gpuLifecycles)),
  specs: specsInput({ memoryTotalMb: 24564 }),
  capabilities: capabilitiesInput({ supportsNvlink: false }),
  labels: Type.Optional(LabelsPatch()),
};

export const PatchGpu = Type.Object(patchProperties, {
  $id: 'PatchGpu',
  additionalProperties: false,
  examples: [{ pricePerHourNanoUsd: '420000000', labels: { rack: 'b12' } }],
});

const PatchItem = Type.Object(
  { id: Uuid(), version: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), ...patchProperties },
  { additionalProperties: false },
);

const itemsOf = <S extends TSchema>(item: S) =>
  Type.Optional(Type.Array(item, { minItems: 1, maxItems: 1000 }));

const eitherOne = { additionalProperties: false, minProperties: 1, maxProperties: 1 } as const;

export const gpuBatchItems = { gpus: ref(CreateGpu), patches: PatchItem };

/** A batch whose items are not looked at. */
export const GpuBatchEnvelope = Type.Object(
  { gpus: itemsOf(Type.Unknown()), patches: itemsOf(Type.Unknown()) },
  eitherOne,
);

export const GpuBatch = Type.Object(
  { gpus: itemsOf(gpuBatchItems.gpus), patches: itemsOf(gpuBatchItems.patches) },
  {
    $id: 'GpuBatch',
    ...eitherOne,
    description: 'Either GPUs to create, or merge patches with the version that each of them was made for.',
    examples: [
      {
        patches: [
          { id: '0198c0de-0000-7000-8000-000000000003', version: 1, pricePerHourNanoUsd: '420000000' },
        ],
      },
    ],
  },
);

export const GpuBatchReply = Type.Object(
  { gpus: Type.Array(ref(Gpu), { description: 'In input order.' }) },
  { $id: 'GpuBatchReply' },
);

export const GpuBatchOutcomes = Type.Object(
  {
    results: Type.Array(
      Type.Object({
        status: Type.Integer({ minimum: 200, maximum: 599 }),
        gpu: Type.Optional(ref(Gpu)),
        problem: Type.Optional(ref(Problem)),
      }),
      { description: 'One for each item, in input order.' },
    ),
  },
  { $id: 'GpuBatchOutcomes' },
);

export const ClearQuarantine = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 200 }) },
  { $id: 'ClearQuarantine', additionalProperties: false, examples: [{ reason: 'wiped by hand' }] },
);
