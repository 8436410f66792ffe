import type { Api } from './api.ts';
import type { SeededGpu, SeededNode } from './seed-network.ts';

/** What has happened to the network since: use, faults, verification. Needs the nodes of `seed-fleet.ts`. */
export async function seedUse(api: Api, nodes: readonly SeededNode[]): Promise<void> {
  const gpusOf = (hostname: string): SeededGpu[] =>
    nodes.find((node) => node.hostname === hostname)?.gpus ?? [];
  const idsOf = (hostname: string, from = 0, to?: number): string[] =>
    gpusOf(hostname)
      .slice(from, to)
      .map(({ id }) => id);

  await seedTrust(api, gpusOf('lulea-h100-01'));
  await seedFaults(api, idsOf('lulea-h100-02'), idsOf('fra-a100-01'));
  await seedAllocations(api, {
    training: idsOf('lulea-h100-01', 0, 4),
    notebooks: idsOf('fra-l40s-01', 0, 1),
    held: idsOf('render-1', 0, 1),
    done: idsOf('phx-mi300x-01', 0, 2),
  });
}

/** GPUs that were challenged and did what they claim. */
async function seedTrust(api: Api, gpus: readonly SeededGpu[]): Promise<void> {
  for (const [index, { id, memoryTotalMb }] of gpus.entries()) {
    const kind = index < 2 ? 'benchmark' : 'spec';
    const challenge = await api.post<{ id: string; nonce: string }>('/v1/verifications', { gpuId: id, kind });
    await api.post(`/v1/verifications/${challenge.id}/evidence`, {
      nonce: challenge.nonce,
      evidence: { schemaVersion: '1', specs: { memoryTotalMb, streamingMultiprocessors: 132 } },
    });
    await api.post(`/v1/verifications/${challenge.id}/verdict`, { verdict: 'valid' });
    await api.post('/v1/benchmarks', {
      gpuId: id,
      suite: 'gemm',
      suiteVersion: '1.2',
      metric: 'fp16',
      value: 780 - index * 3,
      unit: 'TFLOPS',
    });
  }
}

async function seedFaults(api: Api, broken: readonly string[], warm: readonly string[]): Promise<void> {
  await api.post('/v1/health-checks', {
    gpuId: broken[7],
    check: 'xid',
    outcome: 'failed',
    code: '79',
    message: 'GPU has fallen off the bus',
  });
  await api.post('/v1/health-checks', {
    gpuId: warm[3],
    check: 'thermal',
    outcome: 'warning',
    message: '86 C under load, 3 C below throttling',
    underLoad: true,
  });
}

interface Uses {
  training: string[];
  notebooks: string[];
  held: string[];
  done: string[];
}

const dayS = 86_400;

async function seedAllocations(api: Api, { training, notebooks, held, done }: Uses): Promise<void> {
  const tenant = async (name: string, quotas?: object) =>
    (await api.post<{ id: string }>('/v1/tenants', { name, ...(quotas && { quotas }) })).id;
  const acme = await tenant('Acme AI');
  const university = await tenant('University of Somewhere, Vision Lab', { maxGpus: 16 });
  const allocate = (tenantId: string, gpuIds: string[], more: object) =>
    api.post<{ id: string }>('/v1/allocations', { tenantId, gpuIds, ...more });

  await allocate(acme, training, { purpose: 'training run 42', durationS: 7 * dayS });
  await allocate(acme, held, { purpose: 'rendering, awaiting approval', holdTtlS: dayS });
  await allocate(university, notebooks, { purpose: 'notebooks of group 1', share: 250 });
  await allocate(university, notebooks, { purpose: 'notebooks of group 2', share: 500 });
  const ended = await allocate(acme, done, { purpose: 'evaluation' });
  await api.post(`/v1/allocations/${ended.id}/release`, { reason: 'done' });
}
