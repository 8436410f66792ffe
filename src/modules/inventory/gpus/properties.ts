import type { GpuCapabilities, GpuSpecs } from '../../catalogue/index.ts';

/** What a GPU is able to do: true, false, or unknown. */
export const capabilityNames = [
  'supportsCuda',
  'supportsRocm',
  'supportsTensorOps',
  'supportsFp16',
  'supportsBf16',
  'supportsFp8',
  'supportsMig',
  'supportsNvlink',
  'supportsEcc',
  'supportsConfidentialComputing',
] as const satisfies readonly (keyof GpuCapabilities)[];

/** The measures of a GPU with the type of their columns in `gpu_state`, and the range of the numbers. */
export const specKinds = {
  memoryTotalMb: { type: 'integer', min: 1, max: 2 ** 31 - 1 },
  cudaCores: { type: 'integer', min: 0, max: 1_000_000 },
  streamingMultiprocessors: { type: 'integer', min: 0, max: 100_000 },
  tensorCores: { type: 'integer', min: 0, max: 1_000_000 },
  architecture: { type: 'text' },
  computeCapability: { type: 'text' },
  memoryBandwidthGbps: { type: 'real', min: 0, max: 1_000_000 },
  powerLimitW: { type: 'real', min: 0, max: 100_000 },
  pcieGeneration: { type: 'smallint', min: 1, max: 20 },
  pcieWidth: { type: 'smallint', min: 1, max: 64 },
} as const satisfies Record<keyof GpuSpecs, SpecKind>;

type SpecKind = { type: 'integer' | 'smallint' | 'real'; min: number; max: number } | { type: 'text' };

export const specNames = Object.keys(specKinds) as (keyof GpuSpecs)[];

export { vendors } from '../../catalogue/index.ts';
export const gpuLifecycles = ['active', 'maintenance', 'retired'] as const;
export const presences = ['present', 'missing'] as const;
export const healths = ['ok', 'warning', 'failed', 'unknown'] as const;
export const allocationStates = ['free', 'held', 'allocated', 'cleaning'] as const;

/** The name of a property's column: `memoryTotalMb` → `memory_total_mb`. */
export const columnOf = (property: string): string =>
  property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
