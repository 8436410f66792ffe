import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { getGpu } from '../support/gpu-inputs.ts';
import { ledgerFaults, setDeadline, unswept } from '../support/ledger.ts';
import { a100, createPartitioned, mig } from '../support/partitions.ts';
import { openNode } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

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

describe('a partition', () => {
  it('charges compute by multiprocessors and memory by memory', async () => {
    const { root, parts } = await partitioned(a100, [mig('3g.20gb'), mig('4g.20gb')]);
    await claim({ gpuIds: [parts[0]] }).expect(201);
    expect(await unitsOf(root)).toEqual({ used: 388, compute: 388, memory: 485 });
    await claim({ gpuIds: [parts[1]], share: 500 }).expect(201);
    expect(await unitsOf(root)).toEqual({ used: 388 + 259, compute: 388 + 259, memory: 485 + 242 });
  });

  it.each([
    [
      'by memory alone where multiprocessors are unknown',
      { memoryTotalMb: 40_960 },
      { memoryTotalMb: 4864 },
      118,
      118,
    ],
    [
      'by multiprocessors alone where memory is unknown',
      { streamingMultiprocessors: 108 },
      { streamingMultiprocessors: 14 },
      129,
      129,
    ],
    ['something where neither is known', {}, {}, 1, 1],
    ['no more than there is', { memoryTotalMb: 1000 }, { memoryTotalMb: 4864 }, 1000, 1000],
  ])('charges %s', async (_what, whole, part, compute, memory) => {
    const { root, parts } = await partitioned(whole, [part]);
    await claim({ gpuIds: parts }).expect(201);
    expect(await unitsOf(root)).toEqual({ used: compute, compute, memory });
  });

  it('is one of seven that fit side by side', async () => {
    const { root, parts } = await partitioned(a100, Array(7).fill(mig('1g.5gb')));
    await claim({ gpuIds: parts }).expect(201);
    expect(await unitsOf(root)).toEqual({ used: 7 * 129, compute: 7 * 129, memory: 7 * 118 });
  });
});

describe('a physical GPU and its partitions', () => {
  it.each([
    ['the whole of it', 1000],
    ['a share of it', 1],
  ])('never meet: %s while a partition is in use, and the other way about', async (_what, share) => {
    const { root, parts } = await partitioned(a100, [mig('1g.5gb'), mig('1g.5gb')]);
    const { body: part } = await claim({ gpuIds: [parts[0]], share: 100 }).expect(201);
    const refused = await claim({ gpuIds: [root], share }).expect(409);
    expect(refused.body).toMatchObject({ code: 'gpu.unavailable', gpuIds: [root] });
    await claim({ gpuIds: [parts[1]] }).expect(201);
    await release(part.id);
    await claim({ gpuIds: [root], share }).expect(409);

    const other = await partitioned(a100, [mig('1g.5gb'), mig('1g.5gb')]);
    const { body: whole } = await claim({ gpuIds: [other.root], share }).expect(201);
    for (const gpuId of other.parts) {
      const { body } = await claim({ gpuIds: [gpuId], share: 1 }).expect(409);
      expect(body).toMatchObject({ code: 'gpu.unavailable', gpuIds: [gpuId] });
    }
    await release(whole.id);
    await claim({ gpuIds: other.parts }).expect(201);
  });

  it('are not given out together by one claim either', async () => {
    const { root, parts } = await partitioned(a100, [mig('1g.5gb')]);
    expect((await claim({ gpuIds: [root, parts[0]] }).expect(409)).body.code).toBe('gpu.unavailable');
    expect(await unitsOf(root)).toEqual({ used: 0, compute: 0, memory: 0 });
  });

  it('show each other’s use', async () => {
    const { root, parts } = await partitioned(a100, [mig('1g.5gb'), mig('1g.5gb')]);
    const shown = () =>
      Promise.all([root, ...parts].map(async (id) => (await getGpu(service, id)).allocationState));
    const { body: hold } = await claim({ gpuIds: [parts[0]], holdTtlS: 60 }).expect(201);
    expect(await shown()).toEqual(['held', 'held', 'free']);
    await client.post(`/v1/allocations/${hold.id}/confirm`).expect(200);
    expect(await shown()).toEqual(['allocated', 'allocated', 'free']);
    await release(hold.id);
    const { body: whole } = await claim({ gpuIds: [root], holdTtlS: 60 }).expect(201);
    expect(await shown()).toEqual(['held', 'held', 'held']);
    const free = `/v1/gpus?nodeId=${open.node.id}&isAllocated=false&schedulable=true`;
    expect((await client.get(free).expect(200)).body.items.map(({ id }: { id: string }) => id)).toEqual(
      open.gpuIds,
    );
    expect(await gpusFree()).toBe(1);
    await client.post(`/v1/allocations/${whole.id}/confirm`).expect(200);
    expect(await shown()).toEqual(['allocated', 'allocated', 'allocated']);
  });

  it('are free again when a hold on the other is over, whether or not anybody swept it', async () => {
    const { root, parts } = await partitioned(a100, [mig('1g.5gb'), mig('1g.5gb')]);
    const { body: onPart } = await claim({ gpuIds: [parts[0]], holdTtlS: 60 }).expect(201);
    await claim({ gpuIds: [root] }).expect(409);
    await setDeadline(service.sql, onPart.id, -1);
    const { body: onWhole } = await claim({ gpuIds: [root], holdTtlS: 60 }).expect(201);
    await claim({ gpuIds: [parts[1]] }).expect(409);
    await setDeadline(service.sql, onWhole.id, -1);
    await claim({ gpuIds: [parts[1]] }).expect(201);
  });
});

describe('the database itself', () => {
  it('refuses partitions beside their physical GPU, and false roots, by direct SQL', async () => {
    const { root, parts } = await partitioned(a100, [mig('1g.5gb')]);
    const [part] = parts as [string];
    const { body } = await claim({ gpuIds: open.gpuIds }).expect(201);
    const { body: share } = await claim({ gpuIds: [root], share: 100 }).expect(201);
    await expect(book(body.id, part, root, 1)).rejects.toMatchObject({
      constraint: 'gpu_state_partition_check',
    });
    await expect(book(body.id, part, part, 1)).rejects.toThrow('names the physical GPU');
    await release(share.id);
    await book(body.id, part, root, 900);
    await expect(book(body.id, root, root, 1)).rejects.toMatchObject({
      constraint: 'gpu_state_partition_check',
    });
    const drift = 'UPDATE inventory.gpu_state SET partition_memory_units = 1001 WHERE gpu_id = $1';
    await expect(service.sql.query(drift, [root])).rejects.toMatchObject({
      constraint: 'gpu_state_partition_check',
    });
    await service.sql.query('DELETE FROM inventory.allocation_gpu WHERE gpu_id = $1', [part]);
  });

  it('moves nothing when a row of the past is removed', async () => {
    const [gpuId] = open.gpuIds as [string];
    const { body: past } = await claim({ gpuIds: [gpuId] }).expect(201);
    await release(past.id);
    const { body: hold } = await claim({ gpuIds: [gpuId], holdTtlS: 60 }).expect(201);
    await service.sql.query('DELETE FROM inventory.allocation_gpu WHERE allocation_id = $1', [past.id]);
    expect(await ledgerFaults(service.sql)).toEqual([]);
    await release(hold.id);
  });
});

it('a request looks past a partition for which its physical GPU has no memory left', async () => {
  const narrow = { memoryTotalMb: 10_000, streamingMultiprocessors: 14 };
  const { parts } = await partitioned({ ...a100, memoryTotalMb: 16_000 }, [narrow, narrow]);
  await claim({ gpuIds: [parts[0]] }).expect(201);
  const request = { count: 1, filter: { nodeId: open.node.id } };
  const { body } = await claim({ request }).expect(201);
  expect(body.gpus.map(({ gpuId }: { gpuId: string }) => gpuId)).toEqual(open.gpuIds);
});

it('a request looks past the partitions of a physical GPU that is used as such', async () => {
  const { root } = await partitioned(a100, [mig('1g.5gb')]);
  await claim({ gpuIds: [root] }).expect(201);
  const request = { count: 2, filter: { nodeId: open.node.id } };
  const { body } = await client.post('/v1/candidates').send(request).expect(200);
  expect(body.candidates).toEqual([]);
});

const partitioned = (whole: object, parts: readonly object[]) =>
  createPartitioned(service, open.node, whole, parts);

const claim = (body: object) => client.post('/v1/allocations').send(body);
const release = (id: string) => client.post(`/v1/allocations/${id}/release`).expect(200);

async function unitsOf(gpuId: string): Promise<object> {
  const { rows } = await service.sql.query(
    `SELECT used_units AS used, partition_units AS compute, partition_memory_units AS memory
       FROM inventory.gpu_state WHERE gpu_id = $1`,
    [gpuId],
  );
  return rows[0];
}

async function gpusFree(): Promise<number> {
  const { body } = await service.as().get(`/v1/providers/${open.node.providerId}`).expect(200);
  return body.counts.gpusFree;
}

const book = (allocationId: string, gpuId: string, rootGpuId: string, units: number) =>
  service.sql.query(
    `INSERT INTO inventory.allocation_gpu (allocation_id, gpu_id, root_gpu_id, node_id, provider_id, units, root_units,
                                           root_memory_units, exclusive)
     SELECT $1, s.gpu_id, $3::uuid, s.node_id, s.provider_id, $4::int, $4::int, nullif($4::int, CASE WHEN $3::uuid = s.gpu_id THEN $4::int END), false
       FROM inventory.gpu_state s WHERE s.gpu_id = $2`,
    [allocationId, gpuId, rootGpuId, units],
  );
