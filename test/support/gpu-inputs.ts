import { randomUUID } from 'node:crypto';
import type { TestNode } from './fleet.ts';
import type { Client, Requests } from './service.ts';

/** An RTX 4090 as an agent reports it, with a hardware uuid of its own. */
export const gpuInput = (more: Record<string, unknown> = {}) => ({
  uuid: `GPU-${randomUUID()}`,
  vendor: 'nvidia',
  name: 'NVIDIA GeForce RTX 4090',
  pciDeviceId: '10de:2684',
  specs: { memoryTotalMb: 24_564 },
  ...more,
});

/** Several of them in slots of their own. */
export const gpuInputs = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    ...gpuInput(),
    index,
    pciBusId: `0000:${(index + 1).toString(16).padStart(2, '0')}:00.0`,
  }));

/** Sends a snapshot with the key of the node's agent, or another one. */
export const putInventory = (
  service: Requests,
  node: TestNode,
  snapshot: { generation: number; gpus: readonly object[] } & Record<string, unknown>,
  key: string | undefined = node.key,
): ReturnType<Client['put']> => service.as(key).put(`/v1/nodes/${node.id}/inventory`).send(snapshot);

/** Creates GPUs in one atomic batch and returns them as the API shows them. */
export async function createGpus(service: Requests, node: TestNode, inputs: readonly object[]) {
  const { body } = await service
    .as()
    .post('/v1/gpus/batch')
    .send({ gpus: inputs.map((input) => ({ nodeId: node.id, ...input })) })
    .expect(201);
  return body.gpus as { id: string; version: number; [field: string]: unknown }[];
}

/** A GPU through the operator's eyes. */
export const getGpu = async (service: Requests, id: string) =>
  (await service.as().get(`/v1/gpus/${id}`).expect(200)).body;
