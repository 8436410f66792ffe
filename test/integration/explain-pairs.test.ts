import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createNode, createProvider } from '../support/fleet.ts';
import { createGpus, gpuInput } from '../support/gpu-inputs.ts';
import { unswept } from '../support/ledger.ts';
import { createTenant } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

const keys = ['cudaCores', 'streamingMultiprocessors', 'tensorCores', 'memoryTotalMb'] as const;
const asked = 100;

/** GPUs that have too little of two specs and enough of the others: how many, how much, and whether each is on a node of its own. */
const kinds = [
  { short: [0, 1], gpus: 1, has: 50, apart: false },
  { short: [0, 2], gpus: 5, has: 50, apart: true },
  { short: [0, 3], gpus: 2, has: 50, apart: false },
  { short: [1, 2], gpus: 4, has: 50, apart: false },
  { short: [1, 3], gpus: 3, has: 50, apart: false },
  { short: [2, 3], gpus: 6, has: 10, apart: true },
];

let service: TestService;
let client: Client;

beforeAll(async () => {
  service = await startService({ ...unswept, SWEEP_INTERVAL_MS: '3600000' });
  client = service.as((await createTenant(service)).key);
  const { id: providerId } = await createProvider(service);
  for (const { short, gpus, has, apart } of kinds) {
    const specs = Object.fromEntries(keys.map((key, at) => [key, short.includes(at) ? has : asked]));
    for (let left = gpus; left > 0; left -= apart ? 1 : gpus) await open(providerId, specs, apart ? 1 : gpus);
  }
});
afterAll(() => service.stop());

describe('of more than three pairs', () => {
  it('those are offered that leave most GPUs, the one that gives up least first', async () => {
    const { relaxations, pairs } = await explained({ count: 1 });
    expect(relaxations).toEqual([]);
    expect(pairs).toEqual([pair(0, 2, 50, 5), pair(1, 2, 50, 4), pair(2, 3, 10, 6)]);
  });

  it('the three with most single GPUs are looked at where something must be in common', async () => {
    expect((await explained({ count: 2, sameNode: true })).pairs).toEqual([pair(1, 2, 50, 4)]);
  });
});

async function open(providerId: string, specs: object, gpus: number): Promise<void> {
  const node = await createNode(service, providerId);
  await createGpus(
    service,
    node,
    Array.from({ length: gpus }, () => gpuInput({ specs })),
  );
  const beat = { nodeId: node.id, sequence: 1, status: 'healthy' };
  await service.as(node.key).post('/v1/heartbeats').send(beat).expect(202);
}

async function explained(more: object) {
  const filter = Object.fromEntries(keys.map((key) => [key, { gte: asked }]));
  const { body } = await client
    .post('/v1/candidates')
    .send({ filter, ...more })
    .expect(200);
  return body.explain;
}

const pair = (first: number, second: number, to: number, gpus: number) => ({
  changes: [first, second].map((at) => ({ filter: keys[at], from: { gte: asked }, to: { gte: to } })),
  gpus,
});
