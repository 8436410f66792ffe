import { randomUUID } from 'node:crypto';
import type { TestNode } from './fleet.ts';
import { createGpus, gpuInput } from './gpu-inputs.ts';
import type { Requests } from './service.ts';

/** What an A100 of 40 GB has, and its partitions by the names that NVIDIA gives them. */
export const a100 = { memoryTotalMb: 40_960, streamingMultiprocessors: 108 };
const profiles = {
  '1g.5gb': { memoryTotalMb: 4864, streamingMultiprocessors: 14 },
  '3g.20gb': { memoryTotalMb: 19_968 - 93, streamingMultiprocessors: 42 },
  '4g.20gb': { memoryTotalMb: 19_968 - 93, streamingMultiprocessors: 56 },
};
export const mig = (profile: keyof typeof profiles) => profiles[profile];

/** A partition of a GPU as an agent reports it. */
export const partOf = (parentUuid: string, index: number, specs: object) =>
  gpuInput({ index, uuid: `MIG-${randomUUID()}`, parentUuid, specs });

/** A physical GPU with partitions on a node; ids, and the inputs that they were made of in the same order. */
export async function createPartitioned(
  service: Requests,
  node: TestNode,
  whole: object,
  parts: readonly object[],
): Promise<{ root: string; parts: string[]; inputs: ReturnType<typeof gpuInput>[] }> {
  const parent = gpuInput({ index: 9, specs: whole });
  const inputs = [parent, ...parts.map((specs, at) => partOf(parent.uuid, 10 + at, specs))];
  const [root, ...ids] = (await createGpus(service, node, inputs)).map(({ id }) => id) as [
    string,
    ...string[],
  ];
  return { root, parts: ids, inputs };
}
