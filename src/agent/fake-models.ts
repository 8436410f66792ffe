import type { GpuReport, GpuSpecs } from './snapshot.ts';

/** What a model's own tool would print; PCI ids and figures are those of the real hardware. */
export interface FakeModel {
  vendor: GpuReport['vendor'];
  name: string;
  pciDeviceId: string;
  specs: Pick<GpuSpecs, 'memoryTotalMb' | 'architecture' | 'powerLimitW' | 'pcieGeneration'>;
  smClockMhz: number;
  memoryClockMhz: number;
  /** Datacentre boards have ECC, and no fan of their own. */
  datacentre: boolean;
}

const rtx4090: FakeModel = {
  vendor: 'nvidia',
  name: 'NVIDIA GeForce RTX 4090',
  pciDeviceId: '10de:2684',
  specs: { memoryTotalMb: 24_564, architecture: 'Ada Lovelace', powerLimitW: 450, pcieGeneration: 4 },
  smClockMhz: 2520,
  memoryClockMhz: 10_501,
  datacentre: false,
};

const rtx3090: FakeModel = {
  vendor: 'nvidia',
  name: 'NVIDIA GeForce RTX 3090',
  pciDeviceId: '10de:2204',
  specs: { memoryTotalMb: 24_576, architecture: 'Ampere', powerLimitW: 350, pcieGeneration: 4 },
  smClockMhz: 1695,
  memoryClockMhz: 9751,
  datacentre: false,
};

const h100: FakeModel = {
  vendor: 'nvidia',
  name: 'NVIDIA H100 80GB HBM3',
  pciDeviceId: '10de:2330',
  specs: { memoryTotalMb: 81_559, architecture: 'Hopper', powerLimitW: 700, pcieGeneration: 5 },
  smClockMhz: 1980,
  memoryClockMhz: 2619,
  datacentre: true,
};

/** The model of the MIG state: its 1g.20gb partitions have 14 multiprocessors and 19,968 MiB each, four at most. */
export const a100: FakeModel = {
  vendor: 'nvidia',
  name: 'NVIDIA A100-SXM4-80GB',
  pciDeviceId: '10de:20b2',
  specs: { memoryTotalMb: 81_920, architecture: 'Ampere', powerLimitW: 500, pcieGeneration: 4 },
  smClockMhz: 1410,
  memoryClockMhz: 1593,
  datacentre: true,
};

/** Models that a healthy fake GPU may be; which one, the seed decides. */
export const fakeModels: FakeModel[] = [rtx4090, rtx3090, h100, a100];

/** A smaller GPU that claims a greater name: the vBIOS says 4090, the memory says 12 GB. */
export const spoofed4090: FakeModel = {
  ...rtx4090,
  specs: { ...rtx4090.specs, memoryTotalMb: 12_288, powerLimitW: 170 },
  smClockMhz: 1777,
  memoryClockMhz: 7501,
};
