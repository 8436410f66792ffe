import { createKey, createNode, type TestNode } from './fleet.ts';
import { createGpus, gpuInput } from './gpu-inputs.ts';
import type { Requests } from './service.ts';

/** A tenant with its key. */
export interface TestTenant {
  id: string;
  key: string;
}

export async function createTenant(service: Requests, quotas?: object): Promise<TestTenant> {
  const { body } = await service
    .as()
    .post('/v1/tenants')
    .send({ name: 'Tenant', ...(quotas && { quotas }) })
    .expect(201);
  return { id: body.id, key: await createKey(service, { role: 'tenant', tenantId: body.id }) };
}

interface Layout {
  gpus: number;
  providerId?: string;
  /** Fields of each GPU beside its uuid. */
  input?: object;
}

/** A node that was heard, with free schedulable GPUs in the order of their index. */
export async function openNode(
  service: Requests,
  { gpus, providerId, input }: Layout,
): Promise<{ node: TestNode; gpuIds: string[]; tenant: TestTenant }> {
  const node = await createNode(service, providerId);
  const inputs = Array.from({ length: gpus }, (_, index) => gpuInput({ index, ...input }));
  const made = await createGpus(service, node, inputs);
  await service
    .as(node.key)
    .post('/v1/heartbeats')
    .send({ nodeId: node.id, sequence: 1, status: 'healthy' })
    .expect(202);
  return { node, gpuIds: made.map(({ id }) => id), tenant: await createTenant(service) };
}
