import { createHash } from 'node:crypto';

/** What one reading of a node's GPU tool says. `complete` is false when the tool counts more GPUs than it lists. */
export interface AgentSnapshot {
  source: SnapshotSource;
  complete: boolean;
  system: DriverFacts;
  gpus: GpuReport[];
}

type SnapshotSource = 'nvidia-smi-xml' | 'nvidia-smi-csv' | 'rocm-smi-json' | 'amdgpu-top-json' | 'fake';

export interface DriverFacts {
  driverVersion: string | null;
  cudaVersion: string | null;
}

/** One GPU, or one hardware partition of it (`parentUuid`). Unknown is `null`, never 0 or "". */
export interface GpuReport extends DriverFacts {
  uuid: string;
  index: number | null;
  pciBusId: string | null;
  pciDeviceId: string | null;
  serial: string | null;
  vendor: 'nvidia' | 'amd';
  name: string;
  specs: GpuSpecs;
  capabilities: GpuCapabilities;
  vbiosVersion: string | null;
  parentUuid: string | null;
  telemetry: GpuTelemetry;
  processes: GpuProcess[];
}

/** Only what the tools print; the catalogue knows cores and the rest. `Mb` is MiB. */
export interface GpuSpecs {
  memoryTotalMb: number | null;
  streamingMultiprocessors: number | null;
  architecture: string | null;
  computeCapability: string | null;
  memoryBandwidthGbps: number | null;
  powerLimitW: number | null;
  pcieGeneration: number | null;
  pcieWidth: number | null;
}

/** `true` only where the tool itself says so; a tool that is silent leaves `null`, and no model name is consulted. */
interface GpuCapabilities {
  supportsCuda: boolean | null;
  supportsRocm: boolean | null;
  supportsMig: boolean | null;
  supportsEcc: boolean | null;
}

/** The latest readings. Utilization and fanSpeed are percent; ECC errors count since the driver was loaded. */
export interface GpuTelemetry {
  uuid: string;
  utilization: number | null;
  memoryUsedMb: number | null;
  memoryUtilization: number | null;
  temperatureC: number | null;
  powerDrawW: number | null;
  fanSpeed: number | null;
  smClockMhz: number | null;
  memoryClockMhz: number | null;
  eccUncorrected: number | null;
  xidErrors: number[] | null;
}

export interface GpuProcess {
  pid: number;
  name: string | null;
  memoryUsedMb: number | null;
}

/** What a parser found of one GPU: parts that it does not know may be left out. */
export interface FoundGpu extends Partial<Omit<GpuReport, 'uuid' | 'specs' | 'capabilities' | 'telemetry'>> {
  uuid: string | null;
  vendor: GpuReport['vendor'];
  name: string;
  specs?: Partial<GpuSpecs>;
  capabilities?: Partial<GpuCapabilities>;
  telemetry?: Partial<Omit<GpuTelemetry, 'uuid'>>;
}

/** The name of a GPU whose tool was not asked for it; the PCI device id still finds the model. */
export const UNNAMED_NVIDIA = 'NVIDIA GPU';

/** The document is not what it should be; `message` tells a person what was expected and what was found. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

/** Completes what a parser found. `scope` (the node's id) keeps derived uuids of different nodes apart. */
export function gpuReport(found: FoundGpu, scope: string): GpuReport {
  const uuid = found.uuid ?? derivedUuid(found, scope);
  return {
    uuid,
    index: found.index ?? null,
    pciBusId: found.pciBusId ?? null,
    pciDeviceId: found.pciDeviceId ?? null,
    serial: found.serial ?? null,
    vendor: found.vendor,
    name: found.name,
    specs: { ...unknownSpecs, ...found.specs },
    capabilities: { ...unknownCapabilities, ...found.capabilities },
    driverVersion: found.driverVersion ?? null,
    cudaVersion: found.cudaVersion ?? null,
    vbiosVersion: found.vbiosVersion ?? null,
    parentUuid: found.parentUuid ?? null,
    telemetry: { ...unknownTelemetry, ...found.telemetry, uuid },
    processes: found.processes ?? [],
  };
}

/**
 * A GPU that states no uuid gets a stable one from what does not change while it sits in its slot: node, vendor,
 * slot (else index), PCI device id (else name) and serial. It survives restarts and driver updates, and changes
 * when the GPU moves: without a hardware uuid nobody can tell such a move from a new GPU.
 */
function derivedUuid(gpu: FoundGpu, scope: string): string {
  const parts = [scope, gpu.vendor, gpu.pciBusId ?? gpu.index, gpu.pciDeviceId ?? gpu.name, gpu.serial];
  return `derived-${hexUuid(JSON.stringify(parts))}`;
}

/** The first 128 bits of SHA-256 in the usual 8-4-4-4-12 form: the same text always gives the same name. */
export function hexUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

const unknownSpecs: GpuSpecs = {
  memoryTotalMb: null,
  streamingMultiprocessors: null,
  architecture: null,
  computeCapability: null,
  memoryBandwidthGbps: null,
  powerLimitW: null,
  pcieGeneration: null,
  pcieWidth: null,
};

const unknownCapabilities: GpuCapabilities = {
  supportsCuda: null,
  supportsRocm: null,
  supportsMig: null,
  supportsEcc: null,
};

const unknownTelemetry: Omit<GpuTelemetry, 'uuid'> = {
  utilization: null,
  memoryUsedMb: null,
  memoryUtilization: null,
  temperatureC: null,
  powerDrawW: null,
  fanSpeed: null,
  smClockMhz: null,
  memoryClockMhz: null,
  eccUncorrected: null,
  xidErrors: null,
};
