import type { Vendor } from '../../catalogue/index.ts';
import { normalisePciBusId, normalisePciDeviceId, normaliseUuid } from '../../catalogue/index.ts';
import type { GpuFacts, Statement } from './state.ts';
import type { GpuInput } from './view.ts';

/** What tells one piece of hardware from all others: two spellings of one uuid give one key. */
export interface Hardware {
  vendor: Vendor;
  uuid: string;
  uuidKey: string;
}

/** The hardware with this uuid, as somebody wrote it. */
export const hardwareOf = (vendor: Vendor, uuid: string): Hardware => ({
  vendor,
  uuid: uuid.trim(),
  uuidKey: normaliseUuid(uuid) ?? '',
});

/** One text for maps and sets. */
export const hardwareKey = ({ vendor, uuidKey }: Pick<Hardware, 'vendor' | 'uuidKey'>): string =>
  `${vendor}/${uuidKey}`;

type Facts = { [Name in keyof GpuFacts]?: GpuFacts[Name] | null | undefined };

const oneSpace = (name: string): string => name.trim().replace(/\s+/g, ' ');

/** An open object in the order that comparisons rely on; `jsonb` keeps none. */
export const sortedByKey = <Value>(object: Record<string, Value>): Record<string, Value> =>
  Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The facts that are given, each in its canonical spelling. */
export function factsOf(given: Facts, vendor: Vendor): Partial<GpuFacts> {
  const { name, pciBusId, pciDeviceId, labels } = given;
  const canonical: Facts = {
    ...pickFacts(given),
    ...(name ? { name: oneSpace(name) } : {}),
    ...(pciBusId ? { pciBusId: normalisePciBusId(pciBusId) } : {}),
    ...(pciDeviceId ? { pciDeviceId: normalisePciDeviceId(pciDeviceId, vendor) } : {}),
    ...(labels ? { labels: sortedByKey(labels) } : {}),
  };
  return Object.fromEntries(Object.entries(canonical).filter(([, value]) => value !== undefined));
}

const pickFacts = (given: Facts): Facts => ({
  index: given.index,
  pciBusId: given.pciBusId,
  pciDeviceId: given.pciDeviceId,
  serial: given.serial,
  name: given.name,
  driverVersion: given.driverVersion,
  cudaVersion: given.cudaVersion,
  vbiosVersion: given.vbiosVersion,
  pricePerHourNanoUsd: given.pricePerHourNanoUsd,
  labels: given.labels,
  lifecycle: given.lifecycle,
});

/** What an input says of its GPU. */
export const statementOf = (input: GpuInput): Statement => ({
  facts: factsOf(input, input.vendor),
  specs: input.specs,
  capabilities: input.capabilities,
});
