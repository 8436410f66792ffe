import { randomUUID } from 'node:crypto';
import { createKey, createNode, createProvider, type TestNode } from './fleet.ts';
import { documentOf, type Operation, operationsOf } from './openapi.ts';
import { startService, type TestService } from './service.ts';

/** One half of the world: a provider with all that is its own, and a tenant. */
export interface Side {
  provider: string;
  agent: string;
  tenant: string;
  /** One object of each collection, by the first part of its path. */
  objects: Readonly<Record<string, string>>;
}

/** A network of two providers and two tenants that own one object of every kind each. */
export interface World {
  service: TestService;
  document: ReturnType<typeof documentOf>;
  operations: Operation[];
  /** A key that may do all. */
  operator: string;
  a: Side;
  b: Side;
  stop(): Promise<void>;
}

/** Nodes stay online for the whole test, since nobody sends a second heartbeat; anybody may register. */
const patient = { HEARTBEAT_MIN_INTERVAL_S: '3600', OPEN_REGISTRATION: 'true' };

/** `onLog` takes the lines of the service's log. */
export async function createWorld(
  env: Record<string, string> = {},
  onLog?: (line: string) => void,
): Promise<World> {
  const log = onLog && { write: onLog };
  const service = await startService({ ...patient, ...env }, undefined, log);
  const document = documentOf(service.application.app);
  const operations = operationsOf(document);
  const sides = [await createSide(service), await createSide(service)] as const;
  const operator = await createKey(service, { role: 'operator' });
  return { service, document, operations, operator, a: sides[0], b: sides[1], stop: () => service.stop() };
}

async function createSide(service: TestService): Promise<Side> {
  const provider = await createProvider(service);
  const node = await createNode(service, provider.id);
  const gpu = await createGpu(service, node);
  await hear(service, node);
  const tenant = await post(service, '/v1/tenants', { name: 'Tenant' });
  const tenantKey = await createKey(service, { role: 'tenant', tenantId: tenant.id });
  const { finding, verification } = await createVerification(service, gpu);
  const key = await post(service, '/v1/api-keys', { name: 'own', role: 'agent', nodeId: node.id });
  const allocation = await post(service, '/v1/allocations', { gpuIds: [gpu] }, tenantKey);
  const window = await post(service, '/v1/maintenance-windows', {
    nodeId: node.id,
    kind: 'planned',
    startsAt: '2036-03-30T01:00:00Z',
    endsAt: '2036-03-30T03:00:00Z',
  });
  const running = [1, 2].map((pid) => ({ pid, name: 'python3' }));
  await service
    .as(node.key)
    .put(`/v1/gpus/${gpu}/processes`)
    .send({ generation: 0, processes: running })
    .expect(200);
  const model = await post(service, '/v1/gpu-models', {
    id: `nvidia-card-${randomUUID().slice(0, 8)}-24gb`,
    vendor: 'nvidia',
    name: `Card ${randomUUID()}`,
    specs: { memoryTotalMb: 24_576 },
  });
  return {
    provider: provider.key,
    agent: node.key,
    tenant: tenantKey,
    objects: {
      providers: provider.id,
      nodes: node.id,
      gpus: gpu,
      'gpu-models': model.id,
      'api-keys': key.id,
      tenants: tenant.id,
      verifications: verification,
      findings: finding,
      allocations: allocation.id,
      'maintenance-windows': window.id,
    },
  };
}

async function post(
  service: TestService,
  path: string,
  body: object,
  key?: string,
): Promise<{ id: string; [field: string]: unknown }> {
  const answer = await service.as(key).post(path).send(body);
  if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

const createGpu = async (service: TestService, node: TestNode): Promise<string> => {
  const gpu = { uuid: `GPU-${randomUUID()}`, vendor: 'nvidia', name: 'NVIDIA GeForce RTX 4090' };
  return (await post(service, '/v1/gpus', { ...gpu, nodeId: node.id })).id;
};

const hear = (service: TestService, node: TestNode) =>
  post(service, '/v1/heartbeats', { nodeId: node.id, sequence: 1, status: 'healthy' }, node.key);

/** A decided verification that opened a finding, and one that still waits for evidence. */
async function createVerification(service: TestService, gpuId: string) {
  const decided = await post(service, '/v1/verifications', { gpuId, kind: 'spec' });
  const path = `/v1/verifications/${decided.id}`;
  await post(service, `${path}/evidence`, { nonce: decided.nonce, evidence: { specs: {} } });
  await post(service, `${path}/verdict`, {
    verdict: 'invalid',
    findings: [{ kind: 'spec_mismatch', detail: { memoryTotalMb: 12_288 } }],
  });
  const { body } = await service.as().get(`/v1/findings?gpuId=${gpuId}`);
  const waiting = await post(service, '/v1/verifications', { gpuId, kind: 'benchmark' });
  return { finding: body.items[0].id as string, verification: waiting.id };
}
