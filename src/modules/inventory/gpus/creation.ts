import type { Transaction } from '../../../kernel/db/transaction.ts';
import { type AppError, invalid, notFound } from '../../../kernel/errors.ts';
import { newId } from '../../../kernel/ids.ts';
import { type CatalogueApi, UNCATALOGUED } from '../../catalogue/index.ts';
import { at, conflictOf, gpuExists } from './errors.ts';
import { hardwareKey, hardwareOf, statementOf } from './identity.ts';
import { isError, type Outcome } from './outcomes.ts';
import { mentioned, type NewGpu, type Place, type Places, parentIn, placesOf } from './partitions.ts';
import type { LockedNode } from './placement.ts';
import { effectiveOf, type GpuState, type Speaker, type StoredGpu, speak, unknownFacts } from './state.ts';
import { ofHardware, readStored } from './store.ts';

/** A GPU that nobody has reported before, with all that its first statement says. */
export function newGpu(
  { input, nodeId }: NewGpu,
  place: Pick<StoredGpu, 'id' | 'providerId' | 'region' | 'blocks' | 'parentGpuId'>,
  speaker: Speaker,
  resolve: CatalogueApi['resolve'],
): StoredGpu {
  const blank: GpuState = {
    ...unknownFacts,
    ...effectiveOf([]),
    ...place,
    nodeId,
    name: '',
    modelId: UNCATALOGUED,
    presence: 'present',
    layers: [],
  };
  const unspoken: StoredGpu = { ...blank, ...place, ...hardwareOf(input.vendor, input.uuid), version: 1 };
  return speak(unspoken, statementOf(input), speaker, resolve);
}

export interface Creation {
  gpu: StoredGpu;
  node: LockedNode;
}

interface Ground {
  catalogue: CatalogueApi;
  nodes: ReadonlyMap<string, LockedNode>;
  /** What keeps GPUs of each node from being schedulable, as a mask. */
  gates: ReadonlyMap<string, number>;
  speaker: Speaker;
}

/**
 * Decides about each GPU of a request on locked nodes, in input order; nothing is written yet. Places come first,
 * because a partition may stand before its GPU.
 */
export async function planCreations(
  tx: Transaction,
  ground: Ground,
  items: readonly NewGpu[],
): Promise<Outcome<Creation>[]> {
  const held = await readStored(tx, ofHardware(mentioned(items.map(({ input }) => input))));
  const places = placesOf(held);
  const holders = new Map(held.map((gpu) => [hardwareKey(gpu), gpu]));
  const reserved = items.map((item): Outcome<Place> => {
    const refused = refusal(item, ground, holders, places);
    if (refused) return refused;
    const place = { id: newId(), nodeId: item.nodeId, partition: Boolean(item.input.parentUuid) };
    places.set(hardwareKey(hardwareOf(item.input.vendor, item.input.uuid)), place);
    return place;
  });
  return items.map((item, index) => {
    const place = reserved[index] as Outcome<Place>;
    return isError(place) ? place : create(item, place, ground, places);
  });
}

function refusal(
  { input, nodeId, pointer }: NewGpu,
  { nodes }: Ground,
  holders: ReadonlyMap<string, StoredGpu>,
  places: Places,
): AppError | null {
  const node = nodes.get(nodeId);
  if (!node) return at(`${pointer}/nodeId`, notFound('node'));
  const hardware = hardwareOf(input.vendor, input.uuid);
  const holder = holders.get(hardwareKey(hardware));
  if (holder && holder.providerId !== node.providerId)
    return conflictOf(hardware, holder, node, `${pointer}/uuid`);
  if (holder) return gpuExists(`${pointer}/uuid`, holder.id);
  return places.has(hardwareKey(hardware)) ? invalid(`${pointer}/uuid`, 'is given twice') : null;
}

function create(item: NewGpu, { id }: Place, ground: Ground, places: Places): Outcome<Creation> {
  const parent = parentIn(places, item);
  if (isError(parent)) return parent;
  const node = ground.nodes.get(item.nodeId) as LockedNode;
  const { providerId, region } = node;
  const blocks = ground.gates.get(item.nodeId) ?? 0;
  const place = { id, providerId, region, blocks, parentGpuId: parent?.id ?? null };
  return { gpu: newGpu(item, place, ground.speaker, ground.catalogue.resolve), node };
}
