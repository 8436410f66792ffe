import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ledgerFaults, unswept } from '../support/ledger.ts';
import { a100, createPartitioned, mig } from '../support/partitions.ts';
import { openNode } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

const part = mig('1g.5gb');

let service: TestService;
let client: Client;
let open: Awaited<ReturnType<typeof openNode>>;

beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(async () => {
  expect(await ledgerFaults(service.sql)).toEqual([]);
  await service.stop();
});
beforeEach(async () => {
  open = await openNode(service, { gpus: 1 });
  client = service.as(open.tenant.key);
});

describe.each(['most_reliable', 'spread'])('several GPUs, the physical one first by %s', (objective) => {
  const request = (count: number, more: object = {}) => ({ count, objective, filter: family(), ...more });

  it.each([
    ['whole', {}, {}],
    ['in shares', { share: 300 }, {}],
    ['of one node', {}, { sameNode: true }],
  ])('201: partitions where they alone are enough: %s', async (_what, claim, more) => {
    const { parts } = await partitioned();
    const { body } = await allocate({ request: request(3, more), ...claim }).expect(201);
    expect(idsOf(body)).toEqual(parts.sort());
  });

  it('200: no candidate has a GPU and its partitions', async () => {
    const { root, parts } = await partitioned();
    const { body: two } = await ask(request(2)).expect(200);
    expect(two.candidates.map(({ gpuIds }: Shown) => gpuIds)).toEqual([parts.slice(0, 2)]);
    const { body: one } = await ask(request(1)).expect(200);
    expect(one.candidates[0].gpuIds).toEqual([root]);
    expect((await ask(request(4)).expect(200)).body.candidates).toEqual([]);
  });

  it('200: the first candidate is what a hold takes, and what an allocation takes', async () => {
    const { parts } = await partitioned();
    const { body } = await ask({ ...request(3), limit: 1, holdTtlS: 60 }).expect(200);
    expect([body.candidates[0].gpuIds, idsOf(body.hold)]).toEqual([parts, parts.sort()]);
  });
});

it('201: the cheapest set, not what is left beside the cheapest GPU', async () => {
  const { root, parts } = await partitioned();
  await price({
    [root]: 1,
    ...Object.fromEntries(parts.map((id) => [id, 2])),
    [String(open.gpuIds[0])]: 100,
  });
  const request = { count: 2, filter: { nodeId: open.node.id } };
  const { body } = await ask(request).expect(200);
  expect([...body.candidates[0].gpuIds].sort()).toEqual(parts.slice(0, 2).sort());
  expect(idsOf((await allocate({ request }).expect(201)).body)).toEqual(parts.slice(0, 2).sort());
});

it('200: one candidate is the first of many, also where one GPU as such goes with partitions of others', async () => {
  const [a, b, c] = [await partitioned(), await partitioned(), await partitioned()];
  const prices = [
    [a, 2, [3, 1, 9]],
    [b, 7, [2, 3, 3]],
    [c, 2, [3, 9, 9]],
  ] as const;
  for (const [{ root, parts }, whole, each] of prices)
    await price({ [root]: whole, ...Object.fromEntries(parts.map((id, at) => [id, each[at] as number])) });
  const request = { count: 4, filter: family(), objective: 'most_reliable' };
  const { body } = await ask({ ...request, limit: 1 }).expect(200);
  expect(body.candidates[0].scoreTerms.price * 1e32).toBeCloseTo(-8);
});

describe('groups of physical GPUs and of partitions', () => {
  const groups = [
    { count: 1, filter: { memoryTotalMb: a100.memoryTotalMb } },
    { count: 3, filter: { memoryTotalMb: part.memoryTotalMb } },
  ];

  it('200: one GPU as such, and the partitions of another', async () => {
    const families = [await partitioned(), await partitioned()];
    const { body } = await ask({ groups, filter: { nodeId: open.node.id }, holdTtlS: 60 }).expect(200);
    const [asSuch] = families.filter(({ root }) => idsOf(body.hold).includes(root));
    const [other] = families.filter((one) => one !== asSuch);
    expect(idsOf(body.hold)).toEqual([asSuch?.root, ...(other?.parts ?? [])].sort());
  });

  it('409: not both of one', async () => {
    await partitioned();
    const { body } = await allocate({ request: { groups, filter: { nodeId: open.node.id } } }).expect(409);
    expect(body.code).toBe('allocation.no_capacity');
  });
});

interface Shown {
  gpuIds: string[];
}

const partitioned = () => createPartitioned(service, open.node, a100, [part, part, part]);
const family = () => ({
  nodeId: open.node.id,
  memoryTotalMb: { in: [a100.memoryTotalMb, part.memoryTotalMb] },
});
const price = async (prices: Record<string, number>) => {
  for (const [gpuId, nanoUsd] of Object.entries(prices))
    await service.sql.query('UPDATE inventory.gpu_state SET price_per_hour_nano_usd = $2 WHERE gpu_id = $1', [
      gpuId,
      nanoUsd,
    ]);
};
const ask = (body: object) => client.post('/v1/candidates').send(body);
const allocate = (body: object) => client.post('/v1/allocations').send(body);
const idsOf = ({ gpus }: { gpus: { gpuId: string }[] }) => gpus.map(({ gpuId }) => gpuId).sort();
