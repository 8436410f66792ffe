import type { Api } from './api.ts';
import type { Cast } from './demo-cast.ts';
import type { Story } from './story.ts';

interface Gpu {
  id: string;
  nodeId: string;
  name: string;
  version: number;
  health: string;
  schedulable: boolean;
  allocationState: string;
  verification: { level: number };
}

interface Allocation {
  id: string;
  state: string;
  gpus: { gpuId: string }[];
}

/** Search, hold, confirm, a GPU that fails and comes back, verification, and the end. */
export async function walk(story: Story, cast: Cast): Promise<void> {
  const gpu = await search(story, cast);
  const allocation = await holdAndConfirm(story, cast, gpu);
  await failAndRecover(story, cast, gpu, allocation);
  await verify(story, cast, gpu);
  await exposeSpoofed(story, cast);
  await useAndRelease(story, cast, gpu);
}

const free = (providerId: string) =>
  `/v1/gpus?providerId=${providerId}&schedulable=true&isAllocated=false&minMemoryMb=20000&sort=pricePerHourNanoUsd`;

async function search(story: Story, { operator, provider, tenants }: Cast): Promise<Gpu> {
  story.chapter('The provider sets prices, and Anna looks for a GPU with 20 GB or more');
  const listed = await operator.get<{ items: Gpu[] }>(free(provider.id));
  const patches = listed.items.map(({ id, version }, index) => ({
    id,
    version,
    pricePerHourNanoUsd: String(400_000_000 + index * 150_000_000),
  }));
  await operator.post('/v1/gpus/batch', { patches });
  const { items } = await story.ask<{ items: Gpu[] }>({
    who: 'Anna',
    api: tenants.anna.api,
    method: 'GET',
    path: free(provider.id),
    status: 200,
    show: ['items.0.name', 'items.0.modelId', 'items.0.pricePerHourNanoUsd', 'items.0.unschedulableReasons'],
  });
  story.check('four GPUs are free, large enough and schedulable', items.length === 4);
  return items[0] as Gpu;
}

/** Ben asks for a GPU that he cannot have. */
const refused = (story: Story, ben: Cast['tenants']['ben'], gpu: Gpu): Promise<unknown> =>
  story.ask({
    who: 'Ben',
    api: ben.api,
    method: 'POST',
    path: '/v1/allocations',
    body: { gpuIds: [gpu.id] },
    status: 409,
  });

async function holdAndConfirm(
  story: Story,
  { operator, provider, tenants: { anna, ben } }: Cast,
  gpu: Gpu,
): Promise<Allocation> {
  story.chapter('Anna holds the cheapest one, Ben comes too late, Anna confirms');
  const hold = await story.ask<Allocation>({
    who: 'Anna',
    api: anna.api,
    method: 'POST',
    path: '/v1/allocations',
    body: {
      request: { count: 1, filter: { providerId: provider.id, minMemoryMb: 20_000 }, objective: 'cheapest' },
      holdTtlS: 60,
      purpose: 'demo',
    },
    status: 201,
    show: ['state', 'gpus.0.gpuId', 'pricePerHourNanoUsd', 'heldUntil'],
  });
  story.check('it is the GPU that the search showed first', hold.gpus[0]?.gpuId === gpu.id);
  await refused(story, ben, gpu);
  const active = await story.ask<Allocation>({
    who: 'Anna',
    api: anna.api,
    method: 'POST',
    path: `/v1/allocations/${hold.id}/confirm`,
    status: 200,
    show: ['state', 'activatedAt'],
  });
  story.check('the allocation is active', active.state === 'active');
  await story.ask({
    who: 'Ben',
    api: ben.api,
    method: 'GET',
    path: `/v1/allocations/${hold.id}`,
    status: 404,
  });
  const seen = await look(story, operator, gpu.id, ['allocationState', 'isAllocated']);
  story.check('the GPU shows that it is allocated', seen.allocationState === 'allocated');
  return active;
}

const look = (story: Story, operator: Api, id: string, show: readonly string[]): Promise<Gpu> =>
  story.ask<Gpu>({
    who: 'operator',
    api: operator,
    method: 'GET',
    path: `/v1/gpus/${id}`,
    status: 200,
    show,
  });

async function failAndRecover(
  story: Story,
  { operator, agents, tenants: { anna, ben } }: Cast,
  gpu: Gpu,
  allocation: Allocation,
): Promise<void> {
  const agent = operator.as(gpu.nodeId === agents.rack.nodeId ? agents.rack.apiKey : agents.rig.apiKey);
  const report = (body: object) =>
    story.ask({
      who: 'agent',
      api: agent,
      method: 'POST',
      path: '/v1/health-checks',
      body: { gpuId: gpu.id, ...body },
      status: 201,
      show: ['outcome', 'fatal', 'recommendedAction'],
    });

  story.chapter('The GPU falls off the bus; it is taken out at once, and only work brings it back');
  await report({ check: 'xid', code: '79', outcome: 'failed', message: 'GPU has fallen off the bus' });
  const failed = await look(story, operator, gpu.id, ['health', 'schedulable', 'unschedulableReasons']);
  story.check('it is failed and not schedulable', failed.health === 'failed' && !failed.schedulable);
  await story.ask({
    who: 'Anna',
    api: anna.api,
    method: 'POST',
    path: `/v1/allocations/${allocation.id}/release`,
    body: { reason: 'gpu failed' },
    status: 200,
    show: ['state', 'endReason'],
  });
  await refused(story, ben, gpu);
  await report({ check: 'xid', outcome: 'ok' });
  const idle = await look(story, operator, gpu.id, ['health']);
  story.check('a clean look at the idle GPU is not enough', idle.health === 'failed');
  await report({ check: 'burn-in', outcome: 'ok', underLoad: true });
  const back = await look(story, operator, gpu.id, ['health', 'schedulable']);
  story.check('a clean look under load is', back.health === 'ok' && back.schedulable);
}

async function verify(story: Story, { operator, agents }: Cast, gpu: Gpu): Promise<void> {
  const agent = operator.as(gpu.nodeId === agents.rack.nodeId ? agents.rack.apiKey : agents.rig.apiKey);
  story.chapter('A verifier challenges it, and grants a level');
  const challenge = await story.ask<{ id: string; nonce: string }>({
    who: 'operator',
    api: operator,
    method: 'POST',
    path: '/v1/verifications',
    body: { gpuId: gpu.id, kind: 'spec' },
    status: 201,
    show: ['state', 'nonce', 'expiresAt'],
  });
  const evidence = (status: number) =>
    story.ask({
      who: 'agent',
      api: agent,
      method: 'POST',
      path: `/v1/verifications/${challenge.id}/evidence`,
      body: { nonce: challenge.nonce, evidence: { schemaVersion: '1' } },
      status,
      show: ['state', 'evidenceSha256'],
    });
  await evidence(200);
  await evidence(409);
  await story.ask({
    who: 'operator',
    api: operator,
    method: 'POST',
    path: `/v1/verifications/${challenge.id}/verdict`,
    body: { verdict: 'valid' },
    status: 200,
    show: ['verdict', 'level', 'validUntil'],
  });
  const seen = await look(story, operator, gpu.id, ['verification']);
  story.check('it is verified at level 1', seen.verification.level === 1);
}

async function exposeSpoofed(story: Story, { operator, agents }: Cast): Promise<void> {
  story.chapter('The other node claims a 4090 with 12 GB');
  const { items } = await story.ask<{ items: { kind: string }[] }>({
    who: 'operator',
    api: operator,
    method: 'GET',
    path: `/v1/findings?nodeId=${agents.rig.nodeId}&state=open`,
    status: 200,
    show: ['items.0.kind', 'items.0.detail'],
  });
  story.check('that is an open finding', items.length === 1 && items[0]?.kind === 'spec_mismatch');
}

async function useAndRelease(story: Story, { operator, tenants: { ben } }: Cast, gpu: Gpu): Promise<void> {
  story.chapter('Ben gets the GPU, and gives it back');
  const allocation = await story.ask<Allocation>({
    who: 'Ben',
    api: ben.api,
    method: 'POST',
    path: '/v1/allocations',
    body: { gpuIds: [gpu.id], durationS: 3600 },
    status: 201,
    show: ['state', 'expiresAt'],
  });
  const release = {
    who: 'Ben',
    api: ben.api,
    method: 'POST',
    status: 200,
    show: ['state', 'releasedAt'],
  } as const;
  const path = `/v1/allocations/${allocation.id}/release`;
  const first = await story.ask({ ...release, path });
  const second = await story.ask({ ...release, path });
  story.check('released twice is released once', JSON.stringify(first) === JSON.stringify(second));
  const seen = await look(story, operator, gpu.id, ['allocationState', 'schedulable']);
  story.check('the GPU is free again', seen.allocationState === 'free' && seen.schedulable);
}
