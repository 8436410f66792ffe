import { BUILT_IN, type GpuCapabilities, type GpuModel, type GpuSpecs } from '../model.ts';
import { type Family, families } from './families.ts';

const pciVendors = { nvidia: '10de', amd: '1002', intel: '8086' };

const features: Record<string, Partial<GpuCapabilities>> = {
  ecc: { supportsEcc: true },
  'ecc?': { supportsEcc: null },
  mig: { supportsMig: true },
  nvlink: { supportsNvlink: true },
  cc: { supportsConfidentialComputing: true },
};

/**
 * Reads a table of models: `id | name | family | SM | GB/s | W | PCIe | PCI ids | features | also called`. The id ends
 * in the memory in GB, which is written nowhere else; `-` is unknown; PCIe is generation x width; features are what
 * the family alone does not tell; lists are separated by commas. Throws on a row that it cannot read.
 */
export function readTable(table: string): GpuModel[] {
  const [, ...rows] = table.trim().split('\n');
  return rows.map(readRow);
}

function readRow(row: string): GpuModel {
  const cells = row.split('|').map((cell) => cell.trim());
  const [id = '', name = '', familyName = '', sm = '', bandwidth = '', watts = '', pcie = ''] = cells;
  const [pciIds = '', marks = '', aliases = ''] = cells.slice(7);
  const family = known(families, familyName);
  const memoryGb = count(id.match(/-(\d+)gb$/)?.[1] ?? '');
  if (cells.length !== 10 || memoryGb === null) throw new Error(`Unreadable row of the catalogue: ${row}`);
  return {
    id,
    vendor: family.vendor,
    name,
    aliases: list(aliases),
    pciIds: list(pciIds).map((device) => `${pciVendors[family.vendor]}:${device}`),
    specs: specs(family, memoryGb * 1024, count(sm), count(bandwidth), count(watts), pcie),
    capabilities: Object.assign(
      { ...family.capabilities },
      ...list(marks).map((mark) => known(features, mark)),
    ),
    source: BUILT_IN,
  };
}

function specs(
  family: Family,
  memoryTotalMb: number,
  streamingMultiprocessors: number | null,
  memoryBandwidthGbps: number | null,
  powerLimitW: number | null,
  pcie: string,
): GpuSpecs {
  const [generation = '-', width = '-'] = pcie.split('x');
  return {
    memoryTotalMb,
    cudaCores: times(streamingMultiprocessors, family.cudaCoresPerSm),
    streamingMultiprocessors,
    tensorCores: times(streamingMultiprocessors, family.tensorCoresPerSm),
    architecture: family.architecture,
    computeCapability: family.computeCapability,
    memoryBandwidthGbps,
    powerLimitW,
    pcieGeneration: count(generation),
    pcieWidth: count(width),
  };
}

function count(cell: string): number | null {
  if (cell === '-') return null;
  if (!/^[1-9]\d*$/.test(cell)) throw new Error(`Not a figure of the catalogue: "${cell}"`);
  return Number(cell);
}

/** The tensor cores of a chip without any are a fact, not an unknown: 0 per SM gives 0. */
function times(units: number | null, perUnit: number | null): number | null {
  return units === null || perUnit === null ? null : units * perUnit;
}

function list(cell: string): string[] {
  return cell === '' ? [] : cell.split(',').map((part) => part.trim());
}

function known<T>(table: Readonly<Record<string, T>>, key: string): T {
  const found = table[key];
  if (found === undefined) throw new Error(`Unknown word of the catalogue: "${key}"`);
  return found;
}
