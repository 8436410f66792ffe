import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createProvider } from '../support/fleet.ts';
import { unswept } from '../support/ledger.ts';
import { createTenant, openNode } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let client: Client;
let stranger: Awaited<ReturnType<typeof createTenant>>;
/** Two RTX 4090 for 100 each on one node, an H100 for 900 on another, one of which a stranger holds. */
let small: Awaited<ReturnType<typeof openNode>>;
let large: typeof small;

beforeAll(async () => {
  service = await startService({ ...unswept, SWEEP_INTERVAL_MS: '3600000' });
  client = service.as((await createTenant(service)).key);
  stranger = await createTenant(service);
  const { id: providerId } = await createProvider(service);
  small = await openNode(service, { providerId, gpus: 2, input: { pricePerHourNanoUsd: '100' } });
  large = await openNode(service, { gpus: 2, input: h100 });
  const gpuIds = large.gpuIds.slice(1);
  await service.as(stranger.key).post('/v1/allocations').send({ gpuIds, holdTtlS: 3600 }).expect(201);
});
afterAll(() => service.stop());

describe('POST /v1/allocations that finds nothing', () => {
  it('answers 409 with what each filter removed, in order', async () => {
    const { body } = await refused({
      count: 2,
      filter: { minMemoryMb: 80_000, maxPricePerHourNanoUsd: '1000' },
      sameNode: true,
    });
    expect(body.code).toBe('allocation.no_capacity');
    expect(body.explain.total).toEqual({ gpus: 4, nodes: 2, providers: 2 });
    expect(body.explain.filters).toEqual([
      account('schedulable', true, [0, 0, 0], [4, 2, 2], [0, 0, 0]),
      account('free', true, [1, 0, 0], [3, 2, 2], [2, 1, 1]),
      account('minMemoryMb', 80_000, [2, 1, 1], [1, 1, 1], [2, 1, 1]),
      account('maxPricePerHourNanoUsd', '1000', [0, 0, 0], [1, 1, 1], [0, 0, 0]),
      account('sameNode', true, [1, 1, 1], [0, 0, 0], [1, 1, 1]),
    ]);
  });

  it('offers two changes at once where no single one suffices', async () => {
    const { body } = await refused({
      count: 3,
      filter: { minMemoryMb: 80_000, maxPricePerHourNanoUsd: '100' },
    });
    expect(body.explain.relaxations).toEqual([]);
    expect(body.explain.pairs).toEqual([
      {
        changes: [
          { filter: 'minMemoryMb', from: 80_000, to: 24_564 },
          { filter: 'maxPricePerHourNanoUsd', from: '100', to: '900' },
        ],
        gpus: 3,
      },
    ]);
  });

  it('offers the bound that suffices, and the GPUs that then are left', async () => {
    const { body } = await refused({ count: 3, filter: { maxPricePerHourNanoUsd: '500' } });
    expect(body.explain.relaxations).toEqual([
      { filter: 'maxPricePerHourNanoUsd', from: '500', to: '900', gpus: 3 },
    ]);
    const dear = await refused({ count: 1, filter: { minMemoryMb: { gt: 81_559 } } }, 400);
    expect(dear.body.errors[0].pointer).toBe('/request/filter/minMemoryMb');
    const more = await refused({ count: 1, filter: { memoryTotalMb: { gt: 81_559, lt: 99_999 } } });
    expect(more.body.explain.relaxations).toEqual([
      {
        filter: 'memoryTotalMb',
        from: { gt: 81_559, lt: 99_999 },
        to: { lt: 99_999, gte: 81_559 },
        gpus: 1,
      },
    ]);
  });

  it('ranks by what is given up, then by what is gained', async () => {
    const { body } = await refused({
      count: 1,
      filter: { minMemoryMb: 81_560, supportsCuda: true, model: 'H100 PCIe' },
      excludeWarnings: true,
    });
    expect(body.explain.relaxations).toEqual([]);
    await service.sql.query(`UPDATE inventory.gpu_state SET supports_cuda = true`);
    const near = await refused({
      count: 1,
      filter: { minMemoryMb: 30_000, maxPricePerHourNanoUsd: '899', supportsCuda: true },
    });
    expect(near.body.explain.relaxations).toEqual([
      { filter: 'maxPricePerHourNanoUsd', from: '899', to: '900', gpus: 1 },
      { filter: 'minMemoryMb', from: 30_000, to: 24_564, gpus: 2 },
    ]);
  });

  it('widens a set by the value that gives most, and drops what has no measure', async () => {
    const region = await refused({ count: 1, filter: { regions: ['mars', 'moon'] } });
    expect(region.body.explain.relaxations).toEqual([
      { filter: 'regions', from: ['mars', 'moon'], to: ['mars', 'moon', 'eu'], gpus: 3 },
    ]);
    const model = await refused({ count: 2, filter: { model: 'RTX 3090' } });
    expect(model.body.explain.relaxations).toEqual([
      { filter: 'model', from: 'RTX 3090', to: { in: ['RTX 3090', 'nvidia-rtx-4090-24gb'] }, gpus: 2 },
    ]);
    const ecc = await refused({ count: 1, filter: { supportsEcc: true, not: { vendor: 'nvidia' } } });
    expect(ecc.body.explain.relaxations).toEqual([]);
    const not = await refused({ count: 1, filter: { not: { vendor: 'nvidia' } } });
    expect(not.body.explain.relaxations).toEqual([
      { filter: 'not', from: { vendor: 'nvidia' }, to: null, gpus: 3 },
    ]);
    const bond = await refused({ count: 3, sameNode: true });
    expect(bond.body.explain.relaxations).toEqual([{ filter: 'sameNode', from: true, to: false, gpus: 3 }]);
  });

  it('names GPUs that fail one filter alone, but none that is taken', async () => {
    const { body } = await refused({
      count: 1,
      filter: { minMemoryMb: 30_000, maxPricePerHourNanoUsd: '500' },
    });
    const [first] = small.gpuIds;
    const [dear] = large.gpuIds;
    const miss = (gpuId: unknown, { node }: typeof small, filter: string) => ({
      gpuId,
      nodeId: node.id,
      providerId: node.providerId,
      filter,
    });
    expect(body.explain.nearestMisses).toEqual([
      miss(first, small, 'minMemoryMb'),
      miss(dear, large, 'maxPricePerHourNanoUsd'),
    ]);
    const taken = await refused({ count: 2, filter: { minMemoryMb: 30_000 } });
    expect(taken.body.explain.filters[1]).toMatchObject({ filter: 'free', ifDropped: { gpus: 2 } });
    expect(taken.text).not.toContain(large.gpuIds[1]);
    expect(taken.text).not.toContain(stranger.id);
  });
});

const h100 = {
  name: 'NVIDIA H100 PCIe',
  pciDeviceId: '10de:2331',
  specs: { memoryTotalMb: 81_559 },
  pricePerHourNanoUsd: '900',
};

type Counts = [gpus: number, nodes: number, providers: number];

const sums = ([gpus, nodes, providers]: Counts) => ({ gpus, nodes, providers });

const account = (filter: string, value: unknown, removed: Counts, remaining: Counts, ifDropped: Counts) => ({
  filter,
  value,
  removed: sums(removed),
  remaining: sums(remaining),
  ifDropped: sums(ifDropped),
});

const refused = (request: object, status = 409) =>
  client.post('/v1/allocations').send({ request }).expect(status);
