import { invalid } from '../../../kernel/errors.ts';
import { type Hardware, hardwareKey, hardwareOf } from './identity.ts';
import type { Outcome } from './outcomes.ts';
import type { StoredGpu } from './state.ts';
import type { GpuInput } from './view.ts';

/** One GPU that a request reports on a node; `pointer` leads to it in the request's body. */
export interface NewGpu {
  nodeId: string;
  input: GpuInput;
  pointer: string;
}

/** Where a piece of hardware is, or is about to be. */
export interface Place {
  id: string;
  nodeId: string;
  /** A hardware partition, such as a MIG device, of another GPU. */
  partition: boolean;
}

/** By hardware key. */
export type Places = ReadonlyMap<string, Place>;

const parentOf = ({ vendor, parentUuid }: GpuInput): Hardware | null =>
  parentUuid ? hardwareOf(vendor, parentUuid) : null;

/** The hardware that inputs speak of, parents included. */
export const mentioned = (inputs: readonly GpuInput[]): Hardware[] =>
  inputs.flatMap((input) => [hardwareOf(input.vendor, input.uuid), parentOf(input) ?? []].flat());

export const placesOf = (gpus: readonly StoredGpu[]): Map<string, Place> =>
  new Map(
    gpus.map((gpu) => [
      hardwareKey(gpu),
      { id: gpu.id, nodeId: gpu.nodeId, partition: gpu.parentGpuId !== null },
    ]),
  );

/**
 * The GPU that an input is a partition of; null for a physical GPU, and an error naming `parentUuid` where that GPU
 * is not on the same node, or is a partition itself.
 */
export function parentIn(places: Places, { input, nodeId, pointer }: NewGpu): Outcome<Place | null> {
  const wanted = parentOf(input);
  if (wanted === null) return null;
  const parent = places.get(hardwareKey(wanted));
  const at = `${pointer}/parentUuid`;
  if (!parent || parent.nodeId !== nodeId) return invalid(at, 'is no GPU of this node');
  return parent.partition ? invalid(at, 'is a partition itself') : parent;
}
