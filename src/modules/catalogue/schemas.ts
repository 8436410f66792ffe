import { Type } from 'typebox';
import { DateTime, StrEnum } from '../../kernel/http/schemas.ts';
import { BUILT_IN, vendors } from './model.ts';
import { modelIdPattern, newModelIdPattern } from './model-id.ts';
import { Capabilities, CapabilitiesInput, Specs, SpecsInput } from './spec-schemas.ts';

const name = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'The product name as the driver prints it.',
  examples: ['NVIDIA GeForce RTX 4090'],
});
const aliases = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
  maxItems: 64,
  uniqueItems: true,
  description: 'Other names of the product; spelling, case and brand words need none.',
});
const pciIds = Type.Array(Type.String({ minLength: 4, maxLength: 16 }), {
  maxItems: 64,
  description: '`vendor:device`, such as `10de:2684`; the spellings of NVML and lspci are understood.',
});

export const GpuModel = Type.Object(
  {
    id: Type.String({ examples: ['nvidia-rtx-4090-24gb'] }),
    vendor: StrEnum(vendors),
    name,
    aliases,
    pciIds,
    specs: Specs(),
    capabilities: Capabilities(),
    source: Type.String({ description: `\`${BUILT_IN}\`, or what an operator named as the source.` }),
    version: Type.Integer({ minimum: 1 }),
    createdAt: DateTime(),
    updatedAt: DateTime(),
  },
  { $id: 'GpuModel' },
);

export const CreateGpuModel = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        pattern: newModelIdPattern,
        maxLength: 100,
        description: '`<vendor>-<model>-<memory>gb`; made of vendor, name and memory where it is absent.',
      }),
    ),
    vendor: StrEnum(vendors),
    name,
    aliases: Type.Optional(aliases),
    pciIds: Type.Optional(pciIds),
    specs: Type.Optional(SpecsInput()),
    capabilities: Type.Optional(CapabilitiesInput()),
    source: Type.Optional(
      Type.String({
        pattern: `^(?!${BUILT_IN}$)\\S.{0,199}$`,
        examples: ['data sheet of the maker'],
        maxLength: 200,
        default: 'operator',
        description: 'Where the facts come from.',
      }),
    ),
  },
  {
    $id: 'CreateGpuModel',
    additionalProperties: false,
    examples: [
      {
        vendor: 'other',
        name: 'Example Accelerator X1',
        aliases: ['EAX1'],
        specs: { memoryTotalMb: 32_768, architecture: 'X' },
        capabilities: { supportsFp16: true },
        source: 'data sheet of the maker',
      },
    ],
  },
);

export const PatchGpuModel = Type.Object(
  {
    name: Type.Optional(name),
    aliases: Type.Optional(aliases),
    pciIds: Type.Optional(pciIds),
    specs: Type.Optional(SpecsInput()),
    capabilities: Type.Optional(CapabilitiesInput()),
  },
  {
    $id: 'PatchGpuModel',
    additionalProperties: false,
    examples: [{ aliases: ['RTX 4090 Founders Edition'], specs: { powerLimitW: 450 } }],
  },
);

/** A model's id is a slug and no UUID; every slug is well formed, whether there is such a model or not. */
export const GpuModelParams = Type.Object(
  {
    id: Type.String({
      pattern: modelIdPattern,
      maxLength: 100,
      description: 'Id of the model.',
      examples: ['nvidia-rtx-4090-24gb'],
    }),
  },
  { additionalProperties: false },
);
