import { type TSchema, Type } from 'typebox';
import { Nullable } from '../../kernel/http/schemas.ts';
import type { GpuCapabilities, GpuSpecs } from './model.ts';

const count = (minimum: number, maximum: number, description?: string) =>
  Nullable(Type.Integer({ minimum, maximum, ...(description !== undefined && { description }) }));

const largestCount = 2 ** 31 - 1;

/** Hardware figures, each with its range; null is unknown. A chip without tensor cores has 0 of them. */
export const specProperties = {
  memoryTotalMb: count(1, largestCount, 'MiB.'),
  cudaCores: count(0, largestCount),
  streamingMultiprocessors: count(0, largestCount, 'SMs, compute units or Xe cores.'),
  tensorCores: count(0, largestCount),
  architecture: Nullable(Type.String({ minLength: 1, maxLength: 64 })),
  computeCapability: Nullable(Type.String({ pattern: '^[0-9]{1,3}[.][0-9]{1,3}$', maxLength: 7 })),
  memoryBandwidthGbps: Nullable(Type.Number({ minimum: 0, maximum: 1_000_000, description: 'GB/s.' })),
  powerLimitW: Nullable(Type.Number({ minimum: 0, maximum: 100_000 })),
  pcieGeneration: count(1, 15),
  pcieWidth: count(1, 32, 'Lanes.'),
} satisfies Record<keyof GpuSpecs, TSchema>;

const ability = () => Nullable(Type.Boolean());

/** What a GPU can do; null is unknown. */
export const capabilityProperties = {
  supportsCuda: ability(),
  supportsRocm: ability(),
  supportsTensorOps: ability(),
  supportsFp16: ability(),
  supportsBf16: ability(),
  supportsFp8: ability(),
  supportsMig: ability(),
  supportsNvlink: ability(),
  supportsEcc: ability(),
  supportsConfidentialComputing: ability(),
} satisfies Record<keyof GpuCapabilities, TSchema>;

/** All figures, as they are shown. */
export const Specs = () => Type.Object(specProperties);
export const Capabilities = () => Type.Object(capabilityProperties);

/** Some figures, as they are sent; what is absent is not said. */
export const SpecsInput = () => Type.Partial(Type.Object(specProperties), { additionalProperties: false });
export const CapabilitiesInput = () =>
  Type.Partial(Type.Object(capabilityProperties), { additionalProperties: false });
