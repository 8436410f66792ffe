import type { GpuCapabilities, Vendor } from '../model.ts';

/** What all models on one family of chips have in common. */
export interface Family {
  vendor: Exclude<Vendor, 'other'>;
  architecture: string;
  computeCapability: string | null;
  cudaCoresPerSm: number | null;
  tensorCoresPerSm: number | null;
  capabilities: GpuCapabilities;
}

type Supports = Partial<GpuCapabilities>;

const nothing: GpuCapabilities = {
  supportsCuda: false,
  supportsRocm: false,
  supportsTensorOps: false,
  supportsFp16: false,
  supportsBf16: false,
  supportsFp8: false,
  supportsMig: false,
  supportsNvlink: false,
  supportsEcc: false,
  supportsConfidentialComputing: false,
};

const fp16: Supports = { supportsFp16: true };
const tensor: Supports = { ...fp16, supportsTensorOps: true };
const bf16: Supports = { ...tensor, supportsBf16: true };
const fp8: Supports = { ...bf16, supportsFp8: true };
const ecc: Supports = { supportsEcc: true };
const rocm: Supports = { supportsRocm: true };
const datacentre: Supports = {
  ...ecc,
  supportsMig: true,
  supportsNvlink: true,
  supportsConfidentialComputing: true,
};

/** Cores per SM follow the table of arithmetic throughput in the CUDA C++ Programming Guide. */
function cuda(
  architecture: string,
  computeCapability: string,
  cudaCoresPerSm: number,
  tensorCoresPerSm: number,
  supports: Supports = {},
): Family {
  const capabilities = { ...nothing, supportsCuda: true, ...supports };
  return {
    vendor: 'nvidia',
    architecture,
    computeCapability,
    cudaCoresPerSm,
    tensorCoresPerSm,
    capabilities,
  };
}

function other(vendor: 'amd' | 'intel', architecture: string, supports: Supports): Family {
  const capabilities = { ...nothing, ...supports };
  return {
    vendor,
    architecture,
    computeCapability: null,
    cudaCoresPerSm: null,
    tensorCoresPerSm: null,
    capabilities,
  };
}

/** The chip families of the catalogue; architectures are spelt as `nvidia-smi` prints them. */
export const families: Readonly<Record<string, Family>> = {
  'kepler-gk104': cuda('Kepler', '3.0', 192, 0),
  'kepler-gk110': cuda('Kepler', '3.5', 192, 0),
  'kepler-gk210': cuda('Kepler', '3.7', 192, 0),
  'maxwell-gm107': cuda('Maxwell', '5.0', 128, 0),
  'maxwell-gm200': cuda('Maxwell', '5.2', 128, 0),
  'pascal-gp100': cuda('Pascal', '6.0', 64, 0, { ...fp16, ...ecc }),
  pascal: cuda('Pascal', '6.1', 128, 0, fp16),
  volta: cuda('Volta', '7.0', 64, 8, tensor),
  turing: cuda('Turing', '7.5', 64, 8, tensor),
  'turing-tu116': cuda('Turing', '7.5', 64, 0, fp16),
  'ampere-ga100': cuda('Ampere', '8.0', 64, 4, { ...bf16, ...ecc }),
  ampere: cuda('Ampere', '8.6', 128, 4, bf16),
  ada: cuda('Ada Lovelace', '8.9', 128, 4, fp8),
  hopper: cuda('Hopper', '9.0', 128, 4, { ...fp8, ...datacentre }),
  'blackwell-gb100': cuda('Blackwell', '10.0', 128, 4, { ...fp8, ...datacentre }),
  'blackwell-gb110': cuda('Blackwell', '10.3', 128, 4, { ...fp8, ...datacentre }),
  'blackwell-gb10': cuda('Blackwell', '12.1', 128, 4, fp8),
  blackwell: cuda('Blackwell', '12.0', 128, 4, fp8),

  gcn: other('amd', 'GCN', {}),
  vega10: other('amd', 'Vega', { ...fp16, ...rocm }),
  vega20: other('amd', 'Vega', { ...fp16, ...rocm, ...ecc }),
  cdna: other('amd', 'CDNA', { ...bf16, ...rocm, ...ecc }),
  cdna2: other('amd', 'CDNA 2', { ...bf16, ...rocm, ...ecc }),
  cdna3: other('amd', 'CDNA 3', { ...fp8, ...rocm, ...ecc }),
  cdna4: other('amd', 'CDNA 4', { ...fp8, ...rocm, ...ecc }),
  rdna1: other('amd', 'RDNA', fp16),
  rdna2: other('amd', 'RDNA 2', { ...fp16, ...rocm }),
  rdna3: other('amd', 'RDNA 3', { ...bf16, ...rocm }),
  rdna4: other('amd', 'RDNA 4', { ...fp8, ...rocm }),

  'xe-hpg': other('intel', 'Xe-HPG', bf16),
  'xe2-hpg': other('intel', 'Xe2-HPG', bf16),
  'xe-hpc': other('intel', 'Xe-HPC', { ...bf16, ...ecc }),
};
