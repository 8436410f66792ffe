import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createGpus, gpuInput } from '../support/gpu-inputs.ts';
import { inOrder, ledgerFaults, setDeadline, unswept } from '../support/ledger.ts';
import { openNode } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let client: Client;
let open: Awaited<ReturnType<typeof openNode>>;
let gpuIds: string[];

beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(async () => {
  expect(await ledgerFaults(service.sql)).toEqual([]);
  await service.stop();
});
beforeEach(async () => {
  open = await openNode(service, { gpus: 4, input: { pricePerHourNanoUsd: '1000' } });
  gpuIds = open.gpuIds;
  client = service.as(open.tenant.key);
});

describe('a request for a share', () => {
  it('gets the fullest GPU that still fits, then the best by its objective', async () => {
    const [first, second, third, fourth] = gpuIds as [string, string, string, string];
    await claim({ gpuIds: [second], share: 300 }).expect(201);
    await claim({ gpuIds: [third], share: 600 }).expect(201);
    await claim({ gpuIds: [fourth] }).expect(201);
    expect(await ask(400)).toEqual([third]);
    expect(await ask(400)).toEqual([second]);
    expect(await ask(300)).toEqual([second]);
    expect(await ask(1)).toEqual([first]);
    expect(await ask(999)).toEqual([first]);
    expect((await request(1).expect(409)).body.code).toBe('allocation.no_capacity');
  });

  it('costs its fraction, is held and confirmed like any other, and says its share', async () => {
    const { body: hold } = await request(250, { holdTtlS: 60 }).expect(201);
    expect(hold).toMatchObject({ state: 'held', pricePerHourNanoUsd: '250' });
    expect(hold.gpus).toEqual([expect.objectContaining({ share: 250, pricePerHourNanoUsd: '250' })]);
    const { body } = await client.post(`/v1/allocations/${hold.id}/confirm`).expect(200);
    expect(body.gpus).toEqual(hold.gpus);
  });

  it('takes as many GPUs as it asks for, the fullest ones', async () => {
    await claim({ gpuIds: gpuIds.slice(2), share: 100 }).expect(201);
    expect(await ask(500, { count: 3 })).toEqual([gpuIds[0], gpuIds[2], gpuIds[3]]);
    expect(await ask(400, { count: 2, sameNode: true })).toEqual(gpuIds.slice(2));
    expect(
      (await request(900, { request: { count: 2, filter: { nodeId: open.node.id } } }).expect(409)).body.code,
    ).toBe('allocation.no_capacity');
  });

  it.each(['cheapest', 'best_fit', 'most_reliable', 'spread'])(
    'finds the last room on a full node: %s',
    async (objective) => {
      await claim({ gpuIds, share: 900 }).expect(201);
      expect(await ask(100, { objective })).toEqual(gpuIds.slice(0, 1));
      expect(await ask(100, { objective, count: 3, sameNode: true })).toEqual(gpuIds.slice(1));
    },
  );

  it('is told how many GPUs had room', async () => {
    await claim({ gpuIds: gpuIds.slice(0, 3), share: 500 }).expect(201);
    await claim({ gpuIds: gpuIds.slice(3) }).expect(201);
    const { body } = await request(400, { request: { count: 4, filter: { nodeId: open.node.id } } }).expect(
      409,
    );
    expect(
      body.explain.filters.find(({ filter }: { filter: string }) => filter === 'nodeId').remaining.gpus,
    ).toBe(3);
  });

  it('gets what holds leave that are over, whether or not anybody swept them', async () => {
    const { body: hold } = await claim({ gpuIds, share: 800, holdTtlS: 60 }).expect(201);
    await request(500).expect(409);
    await setDeadline(service.sql, hold.id, -1);
    await request(500).expect(201);
  });

  it('takes partitions of a GPU, but no share of that GPU beside them', async () => {
    const { node } = open;
    const filter = { nodeId: node.id, index: { gte: 9 } };
    const parent = gpuInput({ index: 9, specs: { memoryTotalMb: 40_000 } });
    const child = (index: number) =>
      gpuInput({
        index,
        uuid: `MIG-${randomUUID()}`,
        parentUuid: parent.uuid,
        specs: { memoryTotalMb: 10_000 },
      });
    const made = await createGpus(service, node, [parent, child(10), child(11)]);
    const [root, one, two] = made.map(({ id }) => id) as [string, string, string];
    await claim({ gpuIds: [one], share: 500 }).expect(201);
    expect(await ask(300, { filter })).toEqual([one]);
    expect(await ask(300, { filter })).toEqual([two]);
    await claim({ gpuIds: [root], share: 1 }).expect(409);
  });

  it('goes with no groups, 400', async () => {
    const groups = [{ count: 1 }];
    const { body } = await claim({ request: { groups }, share: 500 }).expect(400);
    expect(body.errors).toEqual([expect.objectContaining({ pointer: '/share' })]);
  });
});

describe('a request for several GPUs', () => {
  it('never takes a physical GPU together with its partitions', async () => {
    const { node } = open;
    const filter = { nodeId: node.id, index: { gte: 9 } };
    const parent = gpuInput({ index: 9, pricePerHourNanoUsd: '2', specs: { memoryTotalMb: 40_000 } });
    const child = (index: number, price: string) =>
      gpuInput({
        index,
        uuid: `MIG-${randomUUID()}`,
        parentUuid: parent.uuid,
        pricePerHourNanoUsd: price,
        specs: { memoryTotalMb: 10_000 },
      });
    const made = await createGpus(service, node, [parent, child(10, '1'), child(11, '3'), child(12, '4')]);
    const [, one, two, three] = made.map(({ id }) => id) as [string, string, string, string];
    for (const sameNode of [false, true]) {
      const { body } = await claim({
        request: { count: 3, sameNode, objective: 'cheapest', filter },
      }).expect(201);
      expect(await inOrder(service.sql, body)).toEqual([one, two, three]);
      await client.post(`/v1/allocations/${body.id}/release`).expect(200);
    }
    const { body } = await claim({ request: { count: 4, filter } }).expect(409);
    expect(body.code).toBe('allocation.no_capacity');
  });
});

const claim = (body: object) => client.post('/v1/allocations').send(body);

const request = (share: number, more: object = {}) =>
  claim({ request: { count: 1, filter: { nodeId: open.node.id } }, share, ...more });

/** The GPUs that a request for a share was given. */
async function ask(share: number, more: object = {}): Promise<string[]> {
  const { body } = await claim({
    request: { count: 1, filter: { nodeId: open.node.id }, ...more },
    share,
  }).expect(201);
  return inOrder(service.sql, body);
}
