import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createProvider } from '../support/fleet.ts';
import { inOrder, unswept } from '../support/ledger.ts';
import { createTenant, openNode } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let client: Client;
/** Made in this order: a small node, a larger one, one of another provider. */
let small: Awaited<ReturnType<typeof openNode>>;
let large: typeof small;
let foreign: typeof small;

beforeAll(async () => {
  service = await startService(unswept);
  client = service.as((await createTenant(service)).key);
  const { id: providerId } = await createProvider(service);
  small = await openNode(service, { providerId, gpus: 2, input: rtx4090 });
  large = await openNode(service, { providerId, gpus: 4, input: rtx4090 });
  foreign = await openNode(service, { gpus: 3, input: h100 });
  await rate(providerId, 0.5);
  await rate(foreign.node.providerId, 0.9);
});
afterAll(() => service.stop());
afterEach(async () => {
  const { body } = await client.get('/v1/allocations?state=active').expect(200);
  for (const { id } of body.items) await client.post(`/v1/allocations/${id}/release`).expect(200);
});

describe('best_fit', () => {
  it('takes the least memory that suffices', async () => {
    expect(await ask({ objective: 'best_fit', filter: { minMemoryMb: 4_000 } })).toEqual(
      small.gpuIds.slice(0, 1),
    );
    expect(await ask({ objective: 'best_fit', filter: { minMemoryMb: 30_000 } })).toEqual(
      foreign.gpuIds.slice(0, 1),
    );
  });

  it('then the node with the fewest free GPUs, in the order of the index', async () => {
    const taken = await ask({ count: 3, filter: { nodeId: large.node.id } });
    expect(taken).toEqual(large.gpuIds.slice(0, 3));
    expect(await ask({ objective: 'best_fit' })).toEqual(large.gpuIds.slice(3));
    expect(await ask({ objective: 'best_fit' })).toEqual(small.gpuIds.slice(0, 1));
  });

  it('looks at all that tie, however many they are', async () => {
    const input = { labels: { crowd: 'yes' } };
    const crowd = await openNode(service, { gpus: 60, input });
    const lonely = await openNode(service, { gpus: 1, input });
    expect(await ask({ objective: 'best_fit', filter: { labels: { crowd: 'yes' } } })).toEqual(lonely.gpuIds);
    for (const { node } of [crowd, lonely]) await service.as().post(`/v1/nodes/${node.id}/drain`).expect(200);
  });

  it('takes a node as a whole into account with sameNode', async () => {
    const taken = await ask({ objective: 'best_fit', count: 3, sameNode: true });
    expect(taken).toEqual(large.gpuIds.slice(0, 3));
  });
});

describe('spread', () => {
  it('takes the node with the most free GPUs, the first registered among equals', async () => {
    expect(await ask({ objective: 'spread' })).toEqual(large.gpuIds.slice(0, 1));
    expect(await ask({ objective: 'spread' })).toEqual(large.gpuIds.slice(1, 2));
    expect(await ask({ objective: 'spread' })).toEqual(foreign.gpuIds.slice(0, 1));
  });
});

describe('cheapest', () => {
  it('takes the lowest price, unpriced GPUs last, then best_fit', async () => {
    const dear = large.gpuIds[0] as string;
    await price(dear, 5);
    expect(await ask({})).toEqual([dear]);
    await price(dear, null);
    expect(await ask({})).toEqual(small.gpuIds.slice(0, 1));
    await price(dear, 100_000_000);
  });

  it('compares the sums of whole teams', async () => {
    await Promise.all(small.gpuIds.map((gpuId, index) => price(gpuId, index === 0 ? 1 : 300_000_000)));
    expect(await ask({ count: 2, sameNode: true })).toEqual(large.gpuIds.slice(0, 2));
    await Promise.all([...small.gpuIds, ...large.gpuIds].map((gpuId) => price(gpuId, 100_000_000)));
  });

  it('is what is meant by no objective', async () => {
    const last = foreign.gpuIds[2] as string;
    await price(last, 1);
    expect(await ask({})).toEqual([last]);
    await price(last, 900_000_000);
  });
});

describe('most_reliable', () => {
  it('takes the highest reputation, then the lowest price', async () => {
    const cheap = foreign.gpuIds[1] as string;
    await price(cheap, 800_000_000);
    expect(await ask({ objective: 'most_reliable' })).toEqual([cheap]);
    await price(cheap, 900_000_000);
  });
});

describe('restrictions', () => {
  it('sameNode: only a node that has them all', async () => {
    expect(await ask({ count: 4, sameNode: true })).toEqual(large.gpuIds);
    await client
      .post('/v1/allocations')
      .send({ request: { count: 4, sameNode: true } })
      .expect(409);
  });

  it('sameModel: only a model that has them all', async () => {
    expect(await ask({ count: 6, sameModel: true })).toEqual([...small.gpuIds, ...large.gpuIds]);
    await client
      .post('/v1/allocations')
      .send({ request: { count: 4, sameModel: true } })
      .expect(409);
    expect(await ask({ count: 3, sameModel: true })).toEqual(foreign.gpuIds);
  });

  it('sameModel: GPUs that the catalogue does not know are of one model by their name', async () => {
    const home = { pciDeviceId: null, pricePerHourNanoUsd: '1' };
    const a = await openNode(service, { gpus: 1, input: { ...home, name: 'Home-made accelerator A' } });
    const b = await openNode(service, { gpus: 2, input: { ...home, name: 'Home-made accelerator B' } });
    expect(await ask({ count: 2, sameModel: true, filter: { modelId: 'uncatalogued' } })).toEqual(b.gpuIds);
    const request = { count: 2, sameModel: true, filter: { modelId: 'uncatalogued' } };
    await client.post('/v1/allocations').send({ request }).expect(409);
    expect(await ask({ filter: { modelId: 'uncatalogued' } })).toEqual(a.gpuIds);
    for (const { node } of [a, b]) await service.as().post(`/v1/nodes/${node.id}/drain`).expect(200);
  });

  it('distinctProviders: one GPU of each', async () => {
    expect(await ask({ count: 2, distinctProviders: true })).toEqual([small.gpuIds[0], foreign.gpuIds[0]]);
    await client
      .post('/v1/allocations')
      .send({ request: { count: 3, distinctProviders: true } })
      .expect(409);
  });

  it('excludeWarnings: no GPU with a warning', async () => {
    await service.sql.query(`UPDATE inventory.gpu_state SET health = 'warning' WHERE node_id = $1`, [
      small.node.id,
    ]);
    expect(await ask({ excludeWarnings: true })).toEqual(large.gpuIds.slice(0, 1));
    expect(await ask({})).toEqual(small.gpuIds.slice(0, 1));
    await service.sql.query(`UPDATE inventory.gpu_state SET health = 'ok' WHERE node_id = $1`, [
      small.node.id,
    ]);
  });

  it('filters of any table combine', async () => {
    const filter = {
      any: [{ name: 'NVIDIA H100 PCIe' }, { nodeId: small.node.id }],
      not: { nodeId: small.node.id },
    };
    expect(await ask({ filter })).toEqual(foreign.gpuIds.slice(0, 1));
  });
});

const rtx4090 = { pricePerHourNanoUsd: '100000000' };
const h100 = {
  name: 'NVIDIA H100 PCIe',
  pciDeviceId: '10de:2331',
  specs: { memoryTotalMb: 81_559 },
  pricePerHourNanoUsd: '900000000',
};

/** The GPUs that a request was given, in the order in which they were made. */
async function ask(request: object): Promise<string[]> {
  const { body } = await client
    .post('/v1/allocations')
    .send({ request: { count: 1, ...request } })
    .expect(201);
  return inOrder(service.sql, body);
}

const price = (gpuId: string, nanoUsd: number | null) =>
  service.sql.query('UPDATE inventory.gpu_state SET price_per_hour_nano_usd = $2 WHERE gpu_id = $1', [
    gpuId,
    nanoUsd,
  ]);

const rate = (providerId: string, reputation: number) =>
  service.sql.query('UPDATE inventory.gpu_state SET reputation = $2 WHERE provider_id = $1', [
    providerId,
    reputation,
  ]);
