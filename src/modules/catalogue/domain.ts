import type { GpuModel, GpuSpecs, Vendor } from './model.ts';

/** The `modelId` of a GPU that no entry of the catalogue describes. */
export const UNCATALOGUED = 'uncatalogued';

const pciVendors: Partial<Record<Vendor, string>> = { nvidia: '10de', amd: '1002', intel: '8086' };

/** Maker, brand and filler words: they differ between drivers and tools, and name no model. */
const fillers = new Set(
  `nvidia geforce tesla quadro grid amd ati radeon instinct intel arc
  corporation inc r tm generation edition graphics gpu`.split(/\s+/),
);

/**
 * Brings the many spellings of one product to one key: `NVIDIA  RTX A4500`, `RTX A4500` and `rtxa4500` give `rtxa4500`.
 * Case, spaces and punctuation, makers and brands do not count; `lspci` names give the part in brackets
 * (`GA102 [GeForce RTX 3090]`), mobile parts end in `laptop`, MIG and vGPU profiles give the GPU they are cut from.
 */
export function normaliseName(text: string): string {
  return words(text).join('');
}

function words(text: string): string[] {
  const product = text.match(/\[(.+)\]/)?.[1] ?? text;
  return product
    .toLowerCase()
    .replace(/\bmig\W+\d+g\..*$/, '')
    .replace(/-(?:\d+-)?\d+[abcq]$/, '')
    .replace(/\b(?:with\W+max-q\W+design|mobile)\b/, 'laptop')
    .replace(/(\d)\W*gi?b\b/g, '$1gb')
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '' && !fillers.has(word));
}

/** The words that tell one product of a vendor from another, its memory apart: `NVIDIA A100 80GB PCIe` gives `a100`, `pcie`. */
export function productWords(text: string): string[] {
  return words(text).filter((word) => !isMemory(word));
}

/** The name without its memory (`A100 80GB PCIe` and `A100-PCIE-40GB` are the same here), and that memory in MiB. */
function withoutMemory(text: string): { key: string; memoryMb: number | null } {
  const memory = words(text).find(isMemory);
  return {
    key: productWords(text).join(''),
    memoryMb: memory === undefined ? null : Number.parseInt(memory, 10) * 1024,
  };
}

function isMemory(word: string): boolean {
  return /^\d+gb?$/.test(word);
}

/**
 * The canonical `vendor:device` of a PCI device id: of `10DE:2684`, of NVML's `0x268410DE` (device first), or of the
 * bare `0x2684` of a known vendor. Null for anything else, also for an id that was blanked with zeros.
 */
export function normalisePciDeviceId(text: string, vendor: Vendor): string | null {
  const id = text.trim().toLowerCase();
  const pair = id.match(/^([0-9a-f]{4}):([0-9a-f]{4})$/);
  const nvml = id.match(/^(?:0x)?([0-9a-f]{4})([0-9a-f]{4})$/);
  const bare = id.match(/^(?:0x)?([0-9a-f]{4})$/);
  const pciVendor = pair?.[1] ?? nvml?.[2] ?? (bare ? pciVendors[vendor] : undefined);
  const device = pair?.[2] ?? nvml?.[1] ?? bare?.[1];
  return pciVendor === undefined || device === undefined || device === '0000'
    ? null
    : `${pciVendor}:${device}`;
}

/**
 * The canonical address of a slot, with the 8-digit domain that NVML prints: `0000:03:00.0`, `00000000:03:00.0` and
 * the `03:00.0` of `lspci` all give `00000000:03:00.0`. Null if malformed.
 */
export function normalisePciBusId(text: string): string | null {
  const match = text
    .trim()
    .toLowerCase()
    .match(/^(?:([0-9a-f]{4}|[0-9a-f]{8}):)?([0-9a-f]{2}:[01][0-9a-f]\.[0-7])$/);
  return match ? `${(match[1] ?? '').padStart(8, '0')}:${match[2]}` : null;
}

/** The key by which hardware uuids are compared: `GPU-2F3A…` and ` gpu-2f3a… ` are one device. Null if blank. */
export function normaliseUuid(text: string): string | null {
  return text.trim().toLowerCase() || null;
}

/** What identifies a GPU's model; `pciDeviceId` in any spelling, memory in MiB. */
export interface GpuIdentity {
  vendor: Vendor;
  name: string;
  pciDeviceId: string | null;
  memoryTotalMb: number | null;
}

/** Finds the id of a GPU's model, or `uncatalogued`. */
export type ModelResolver = (gpu: GpuIdentity) => string;

/** A model with all keys under which it is found: its PCI ids, and its names with and without the memory. */
interface Entry {
  model: GpuModel;
  keys: Set<string>;
}

/**
 * Indexes the catalogue once and resolves in constant time: by PCI id, else by name or alias, else by the name without
 * its memory. Where several models share the key, as the memory sizes of one product do, the rest decides: name, then
 * memory, then spelling. With nothing left to tell them apart the smallest is taken, for it promises least.
 */
export function createResolver(models: readonly GpuModel[]): ModelResolver {
  const index = indexByKey(models);
  return (gpu) => {
    const pciId = gpu.pciDeviceId === null ? null : normalisePciDeviceId(gpu.pciDeviceId, gpu.vendor);
    const bare = withoutMemory(gpu.name);
    const nameKeys = [normaliseName(gpu.name), bare.key].map((name) => `${gpu.vendor}/${name}`);
    const keys = [...(pciId === null ? [] : [pciId]), ...nameKeys];
    const candidates = keys.map((key) => index.get(key)).find((entries) => entries !== undefined) ?? [];
    const memoryMb = gpu.memoryTotalMb ?? bare.memoryMb;
    const [best] = candidates.toSorted(
      (a, b) =>
        nameDistance(a, nameKeys) - nameDistance(b, nameKeys) ||
        memoryDistance(a, memoryMb) - memoryDistance(b, memoryMb) ||
        spellingDistance(a, gpu.name) - spellingDistance(b, gpu.name) ||
        memoryOf(a) - memoryOf(b) ||
        (a.model.id < b.model.id ? -1 : 1),
    );
    return best?.model.id ?? UNCATALOGUED;
  };
}

function indexByKey(models: readonly GpuModel[]): Map<string, Entry[]> {
  const index = new Map<string, Entry[]>();
  for (const model of models) {
    const entry = { model, keys: keysOf(model) };
    for (const key of entry.keys) index.set(key, [...(index.get(key) ?? []), entry]);
  }
  return index;
}

function keysOf(model: GpuModel): Set<string> {
  const names = namesOf(model).flatMap((name) => [normaliseName(name), withoutMemory(name).key]);
  return new Set([
    ...model.pciIds,
    ...names.filter((name) => name !== '').map((name) => `${model.vendor}/${name}`),
  ]);
}

function namesOf(model: GpuModel): string[] {
  return [model.name, ...model.aliases];
}

/** 0: the model has this name; 1: it has it but for the memory; 2: it has another one. */
function nameDistance(entry: Entry, nameKeys: string[]): number {
  const found = nameKeys.findIndex((key) => entry.keys.has(key));
  return found === -1 ? nameKeys.length : found;
}

function memoryDistance(entry: Entry, memoryMb: number | null): number {
  return memoryMb === null ? 0 : Math.abs(memoryMb - memoryOf(entry));
}

function memoryOf(entry: Entry): number {
  return entry.model.specs.memoryTotalMb ?? 0;
}

/** 0: named to the letter; 1: named so but for spaces, case and brand; 2: named otherwise. */
function spellingDistance(entry: Entry, name: string): number {
  const names = namesOf(entry.model);
  if (names.some((known) => known.toLowerCase() === name.trim().toLowerCase())) return 0;
  return names.some((known) => normaliseName(known) === normaliseName(name)) ? 1 : 2;
}

/** Drivers keep a little memory for themselves, and makers count 10⁹ or 2³⁰: within 5 % is the same size. */
const MEMORY_TOLERANCE = 0.05;

/** GDDR memory holds its own error-correcting code: with ECC on, 15/16 are left, less up to 1 % for the driver. */
const MEMORY_LEFT_BY_ECC = (15 / 16) * 0.99;

/** One figure that contradicts the catalogue. */
export interface SpecMismatch {
  field: 'memoryTotalMb' | 'streamingMultiprocessors' | 'cudaCores' | 'computeCapability';
  observed: number | string;
  expected: number | string;
}

/**
 * The figures in which a GPU contradicts its model. What either side does not know contradicts nothing. A partition
 * (a GPU with a parent: MIG, vGPU) holds a part of the memory and of the cores, so only its compute capability counts.
 */
export function specMismatches(
  gpu: { specs: GpuSpecs; parentGpuId: string | null },
  model: GpuModel,
): SpecMismatch[] {
  const whole: SpecMismatch['field'][] = ['memoryTotalMb', 'streamingMultiprocessors', 'cudaCores'];
  const fields: SpecMismatch['field'][] = [...(gpu.parentGpuId === null ? whole : []), 'computeCapability'];
  return fields.flatMap((field) => {
    const observed = gpu.specs[field];
    const expected = model.specs[field];
    if (observed === null || expected === null || observed === expected) return [];
    return field === 'memoryTotalMb' && isSameMemory(Number(observed), model)
      ? []
      : [{ field, observed, expected }];
  });
}

function isSameMemory(observedMb: number, model: GpuModel): boolean {
  const share = observedMb / (model.specs.memoryTotalMb ?? observedMb);
  const least = model.capabilities.supportsEcc ? MEMORY_LEFT_BY_ECC : 1 - MEMORY_TOLERANCE;
  return share >= least && share <= 1 + MEMORY_TOLERANCE;
}
