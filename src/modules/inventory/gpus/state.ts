import type { Role } from '../../../kernel/context.ts';
import type { CatalogueApi, GpuCapabilities, GpuSpecs, Vendor } from '../../catalogue/index.ts';
import { capabilityNames, type gpuLifecycles, type presences, specNames } from './properties.ts';

/** What one source says of a GPU's measures and abilities; what it does not know is absent. */
export interface GpuLayer {
  layer: 'declared' | 'observed' | 'attested';
  source: string;
  specs: Partial<GpuSpecs>;
  capabilities: Partial<GpuCapabilities>;
}

/** Whose word a write is: a provider declares, an agent observes. */
export type Speaker = Pick<GpuLayer, 'layer' | 'source'>;

/** What people and agents say of a GPU outright, without layers. */
export interface GpuFacts {
  index: number | null;
  pciBusId: string | null;
  pciDeviceId: string | null;
  serial: string | null;
  name: string;
  driverVersion: string | null;
  cudaVersion: string | null;
  vbiosVersion: string | null;
  pricePerHourNanoUsd: string | null;
  labels: Record<string, string>;
  lifecycle: (typeof gpuLifecycles)[number];
}

/** The part of a GPU that inventory writes: what its change rows tell. */
export interface GpuState extends GpuFacts {
  nodeId: string;
  parentGpuId: string | null;
  modelId: string;
  region: string;
  presence: (typeof presences)[number];
  specs: GpuSpecs;
  capabilities: GpuCapabilities;
  /** The most trusted first, and of equals the newest. */
  layers: readonly GpuLayer[];
}

/** A GPU as it stands in the database. */
export interface StoredGpu extends GpuState {
  id: string;
  providerId: string;
  vendor: Vendor;
  uuid: string;
  uuidKey: string;
  blocks: number;
  version: number;
}

/** What a request says of a GPU. A layer that is given replaces what the same source said before. */
export interface Statement {
  facts: Partial<GpuFacts>;
  specs?: Partial<GpuSpecs> | undefined;
  capabilities?: Partial<GpuCapabilities> | undefined;
}

const trust = { attested: 0, observed: 1, declared: 2 } as const;

const sameJson = (a: object, b: object): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Known members alone, in the order of `names`. */
function known<T extends object>(values: T, names: readonly (keyof T)[]): Partial<T> {
  const given = names.filter((name) => (values[name] ?? null) !== null);
  return Object.fromEntries(given.map((name) => [name, values[name]])) as Partial<T>;
}

/** The same layer with its members in the order that comparisons rely on; `jsonb` keeps none. */
export const canonicalLayer = ({ layer, source, specs, capabilities }: GpuLayer): GpuLayer => ({
  layer,
  source,
  specs: known(specs, specNames),
  capabilities: known(capabilities, capabilityNames),
});

/** The layers after a source has spoken: its layer moves to the front of its rank, if it says anything new. */
export function withLayer(
  layers: readonly GpuLayer[],
  speaker: Speaker,
  { specs, capabilities }: Pick<Statement, 'specs' | 'capabilities'>,
): readonly GpuLayer[] {
  const before = layers.find(({ layer, source }) => layer === speaker.layer && source === speaker.source);
  const spoken = canonicalLayer({
    layer: speaker.layer,
    source: speaker.source,
    specs: specs ?? before?.specs ?? {},
    capabilities: capabilities ?? before?.capabilities ?? {},
  });
  const nothing = sameJson(spoken, { ...spoken, specs: {}, capabilities: {} });
  if (before ? sameJson(before, spoken) : nothing) return layers;
  const others = layers.filter((layer) => layer !== before);
  return [spoken, ...others].toSorted((a, b) => trust[a.layer] - trust[b.layer]);
}

/** A `real` column keeps 24 bits: what is the same there is the same. */
const sameMeasure = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === 'number' && typeof b === 'number' && Math.fround(a) === Math.fround(b));

/** Of each property the first that a layer knows; what the column holds already stays as it is printed. */
function effective<T extends object>(
  names: readonly (keyof T)[],
  said: readonly Partial<T>[],
  before: Partial<T> | undefined,
): T {
  const value = (name: keyof T) => {
    const first = said.find((layer) => (layer[name] ?? null) !== null)?.[name] ?? null;
    return before && sameMeasure(before[name], first) ? before[name] : first;
  };
  return Object.fromEntries(names.map((name) => [name, value(name)])) as T;
}

/**
 * Specs and capabilities that count: attested, else newest observed, else declared, else unknown. The catalogue
 * never fills them.
 */
export const effectiveOf = (
  layers: readonly GpuLayer[],
  before?: Pick<GpuState, 'specs' | 'capabilities'>,
): Pick<GpuState, 'specs' | 'capabilities'> => ({
  specs: effective<GpuSpecs>(
    specNames,
    layers.map(({ specs }) => specs),
    before?.specs,
  ),
  capabilities: effective<GpuCapabilities>(
    capabilityNames,
    layers.map(({ capabilities }) => capabilities),
    before?.capabilities,
  ),
});

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** The facts of a GPU of which nothing is said yet. */
export const unknownFacts: Omit<GpuFacts, 'name'> = {
  index: null,
  pciBusId: null,
  pciDeviceId: null,
  serial: null,
  driverVersion: null,
  cudaVersion: null,
  vbiosVersion: null,
  pricePerHourNanoUsd: null,
  labels: {},
  lifecycle: 'active',
};

/** The GPU after a source has spoken: absent facts stay, the model is resolved anew. */
export function speak<State extends GpuState & { vendor: Vendor }>(
  gpu: State,
  { facts, ...layer }: Statement,
  speaker: Speaker,
  resolve: CatalogueApi['resolve'],
): State {
  const layers = withLayer(gpu.layers, speaker, layer);
  const { specs, capabilities } = effectiveOf(layers, gpu);
  const name = facts.name === undefined || sameName(facts.name, gpu.name) ? gpu.name : facts.name;
  const next = { ...gpu, ...facts, name, layers, specs, capabilities };
  const { vendor, pciDeviceId } = next;
  // A partition holds a part of its GPU's memory: that tells nothing about the model.
  const memoryTotalMb = gpu.parentGpuId === null ? specs.memoryTotalMb : null;
  return { ...next, modelId: resolve({ vendor, name, pciDeviceId, memoryTotalMb }) };
}

const stateNames = [
  'nodeId',
  'parentGpuId',
  'index',
  'pciBusId',
  'pciDeviceId',
  'serial',
  'name',
  'modelId',
  'specs',
  'capabilities',
  'driverVersion',
  'cudaVersion',
  'vbiosVersion',
  'region',
  'lifecycle',
  'presence',
  'pricePerHourNanoUsd',
  'labels',
  'layers',
] as const satisfies readonly (keyof GpuState)[];

/** What a version of a GPU stands for; two states that are equal here are one version. */
export const stateOf = (gpu: GpuState): Pick<GpuState, (typeof stateNames)[number]> =>
  Object.fromEntries(stateNames.map((name) => [name, gpu[name]])) as Pick<
    GpuState,
    (typeof stateNames)[number]
  >;

/** An agent says what it sees, everybody else what is so by their word. */
export const speakerOf = (role: Role): Speaker =>
  role === 'agent' ? { layer: 'observed', source: 'agent' } : { layer: 'declared', source: 'provider' };
