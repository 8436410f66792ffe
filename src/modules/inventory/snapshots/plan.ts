import { invalid } from '../../../kernel/errors.ts';
import { gates, maskOf } from '../../../kernel/gates.ts';
import { newId } from '../../../kernel/ids.ts';
import type { CatalogueApi } from '../../catalogue/index.ts';
import { placementMask } from '../gates.ts';
import { type Creation, newGpu } from '../gpus/creation.ts';
import { conflictOf } from '../gpus/errors.ts';
import { type Hardware, hardwareKey, hardwareOf, statementOf } from '../gpus/identity.ts';
import { isError, settle } from '../gpus/outcomes.ts';
import { type NewGpu, type Place, parentIn, placesOf } from '../gpus/partitions.ts';
import type { LockedNode } from '../gpus/placement.ts';
import { type Speaker, type StoredGpu, speak } from '../gpus/state.ts';
import { type ChangedGpu, isSame } from '../gpus/writer.ts';

/** A snapshot of a locked node, ready to be compared with what is stored. */
export interface Survey {
  node: LockedNode;
  items: readonly NewGpu[];
  /** Whether a GPU of the node that is not listed is gone. */
  whole: boolean;
  speaker: Speaker;
  resolve: CatalogueApi['resolve'];
}

/** What a snapshot comes to; nothing is written yet. A GPU is in one of the lists. */
export interface SurveyPlan {
  added: Creation[];
  updated: ChangedGpu[];
  returned: ChangedGpu[];
  unchanged: StoredGpu[];
  missing: ChangedGpu[];
}

interface Sighting {
  item: NewGpu;
  hardware: Hardware;
  before: StoredGpu | undefined;
  place: Place;
}

/** Pairs each input with the GPU that it is, by hardware; a new one gets its id here. */
function sightingsOf({ node, items }: Survey, holders: ReadonlyMap<string, StoredGpu>): Sighting[] {
  const seen = new Set<string>();
  return items.map((item) => {
    const hardware = hardwareOf(item.input.vendor, item.input.uuid);
    const key = hardwareKey(hardware);
    if (seen.has(key)) throw invalid(`${item.pointer}/uuid`, 'is given twice');
    seen.add(key);
    const before = holders.get(key);
    const { parentUuid } = item.input;
    const partition = parentUuid === undefined ? (before?.parentGpuId ?? null) !== null : parentUuid !== null;
    return { item, hardware, before, place: { id: before?.id ?? newId(), nodeId: node.id, partition } };
  });
}

/** @throws 409 `gpu.hardware_conflict` naming all hardware that another provider holds. */
function assertOwn(node: LockedNode, sightings: readonly Sighting[]): void {
  const outcomes = sightings.map(({ before, hardware, item }) =>
    before && before.providerId !== node.providerId
      ? conflictOf(hardware, before, node, `${item.pointer}/uuid`)
      : null,
  );
  settle(outcomes, true);
}

/** The stored GPU as the snapshot sees it: here, present, and all that the input says. */
function seen(
  { node, speaker, resolve }: Survey,
  sighting: Sighting,
  parentGpuId: string | null,
  nodeGates: number,
): ChangedGpu {
  const before = sighting.before as StoredGpu;
  const moved = before.nodeId !== node.id;
  const placed = moved
    ? { nodeId: node.id, region: node.region, blocks: (before.blocks & ~placementMask) | nodeGates }
    : {};
  const present = { ...before, ...placed, parentGpuId, presence: 'present' as const };
  const after = speak(present, statementOf(sighting.item.input), speaker, resolve);
  const verb = before.presence === 'missing' ? 'returned' : moved ? 'moved' : 'updated';
  return {
    before,
    after: { ...after, blocks: after.blocks & ~maskOf('gpu_missing') },
    verb,
    node: moved ? node : undefined,
  };
}

const lost = (before: StoredGpu): ChangedGpu => ({
  before,
  after: { ...before, presence: 'missing', blocks: before.blocks | gates.gpu_missing },
  verb: 'lost',
});

/**
 * Compares a snapshot with the stored GPUs of its node and of the hardware that it mentions.
 *
 * @throws 400 naming an item given twice or with an unknown parent; 409 `gpu.hardware_conflict`.
 */
export function planSurvey(survey: Survey, stored: readonly StoredGpu[], nodeGates: number): SurveyPlan {
  const { node, whole, speaker, resolve } = survey;
  const sightings = sightingsOf(survey, new Map(stored.map((gpu) => [hardwareKey(gpu), gpu])));
  assertOwn(node, sightings);
  const places = placesOf(stored);
  for (const { hardware, place } of sightings) places.set(hardwareKey(hardware), place);

  const plan: SurveyPlan = { added: [], updated: [], returned: [], unchanged: [], missing: [] };
  for (const sighting of sightings) {
    const parent = parentIn(places, sighting.item);
    if (isError(parent)) throw parent;
    const { before, item, place } = sighting;
    const kept = item.input.parentUuid === undefined ? (before?.parentGpuId ?? null) : null;
    const parentGpuId = parent?.id ?? kept;
    if (!before) {
      const { providerId, region } = node;
      const gpu = newGpu(
        item,
        { id: place.id, providerId, region, blocks: nodeGates, parentGpuId },
        speaker,
        resolve,
      );
      plan.added.push({ gpu, node });
      continue;
    }
    const change = seen(survey, sighting, parentGpuId, nodeGates);
    if (change.verb === 'returned') plan.returned.push(change);
    else if (isSame(before, change.after)) plan.unchanged.push(before);
    else plan.updated.push(change);
  }
  const listed = new Set(sightings.map(({ place }) => place.id));
  const gone = ({ id, nodeId, presence }: StoredGpu) =>
    nodeId === node.id && presence === 'present' && !listed.has(id);
  if (whole) plan.missing.push(...stored.filter(gone).map(lost));
  return plan;
}
