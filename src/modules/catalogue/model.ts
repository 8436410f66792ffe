/** Makers that the inventory tells apart; everything else is `other`. */
export const vendors = ['nvidia', 'amd', 'intel', 'other'] as const;
export type Vendor = (typeof vendors)[number];

/** The `source` of a model that ships with the service. */
export const BUILT_IN = 'built-in';

/** Hardware figures of a GPU. Memory in MiB, bandwidth in GB/s, power in W; null is unknown, never 0. */
export interface GpuSpecs {
  memoryTotalMb: number | null;
  cudaCores: number | null;
  /** SMs of NVIDIA, compute units of AMD, Xe cores of Intel. */
  streamingMultiprocessors: number | null;
  tensorCores: number | null;
  architecture: string | null;
  /** CUDA compute capability, such as `8.9`; null for other makers. */
  computeCapability: string | null;
  memoryBandwidthGbps: number | null;
  powerLimitW: number | null;
  pcieGeneration: number | null;
  pcieWidth: number | null;
}

/** What a GPU can do; null is unknown. */
export interface GpuCapabilities {
  supportsCuda: boolean | null;
  supportsRocm: boolean | null;
  supportsTensorOps: boolean | null;
  supportsFp16: boolean | null;
  supportsBf16: boolean | null;
  supportsFp8: boolean | null;
  supportsMig: boolean | null;
  supportsNvlink: boolean | null;
  supportsEcc: boolean | null;
  supportsConfidentialComputing: boolean | null;
}

/** One entry of the catalogue: a product with one memory size. */
export interface GpuModel {
  /** `<vendor>-<model>-<memory>gb`, such as `nvidia-rtx-4090-24gb`; never changes. */
  id: string;
  vendor: Vendor;
  /** The product name as the driver prints it. */
  name: string;
  aliases: string[];
  /** `vendor:device` in lower-case hex, such as `10de:2684`. */
  pciIds: string[];
  specs: GpuSpecs;
  capabilities: GpuCapabilities;
  /** Where the entry comes from: `built-in` ships with the service, all else an operator named. */
  source: string;
}
