import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createNode } from '../support/fleet.ts';
import { createGpus, getGpu, putInventory } from '../support/gpu-inputs.ts';
import { createSweepers, ledgerFaults, type Sweepers, unswept } from '../support/ledger.ts';
import { outcome } from '../support/outcomes.ts';
import { a100, createPartitioned, mig, partOf } from '../support/partitions.ts';
import { openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let sweepers: Sweepers;
let open: Awaited<ReturnType<typeof openNode>>;
let root: string;
let parts: string[];
let inputs: Awaited<ReturnType<typeof createPartitioned>>['inputs'];

beforeAll(async () => {
  service = await startService(unswept);
  sweepers = createSweepers(service);
});
afterAll(async () => {
  await sweepers.close();
  await service.stop();
});
beforeEach(async () => {
  open = await openNode(service, { gpus: 1 });
  const twins = [mig('1g.5gb'), mig('1g.5gb')];
  ({ root, parts, inputs } = await createPartitioned(service, open.node, a100, twins));
});
afterEach(async () => {
  expect(await ledgerFaults(service.sql)).toEqual([]);
  expect(await versionFaults(service.sql)).toEqual([]);
});

describe('what is wrong with a physical GPU keeps its partitions back, until it is put right', () => {
  it.each<[string, { wrong(): PromiseLike<unknown>; right(): PromiseLike<unknown> }]>([
    ['it has failed', { wrong: () => examine('failed'), right: () => examine('ok') }],
    [
      'it is in maintenance',
      { wrong: () => patch({ lifecycle: 'maintenance' }), right: () => patch({ lifecycle: 'active' }) },
    ],
    [
      'it is missing while they are seen',
      { wrong: () => report(2, inputs.slice(1)), right: () => report(3, inputs) },
    ],
    ['it is quarantined', { wrong: () => quarantine(), right: () => clearQuarantine() }],
  ])('%s', async (_what, { wrong, right }) => {
    expect(await reasons()).toEqual([[], []]);
    await wrong();
    expect(await reasons()).toEqual([['parent_gpu_blocked'], ['parent_gpu_blocked']]);
    const refused = await claim({ gpuIds: [parts[0]] });
    expect([outcome(refused), refused.body.gpus]).toEqual([
      '409 gpu.unschedulable',
      [{ gpuId: parts[0], reasons: ['parent_gpu_blocked'] }],
    ]);
    expect(outcome(await ask(mig('1g.5gb').memoryTotalMb))).toBe('409 allocation.no_capacity');
    expect((await find()).body.candidates).toEqual([]);
    await right();
    expect(await reasons()).toEqual([[], []]);
    expect(outcome(await claim({ gpuIds: parts }))).toBe('201');
  });

  it('they say so on their node and provider, and only they are kept back', async () => {
    await examine('failed');
    for (const path of [`/v1/nodes/${open.node.id}`, `/v1/providers/${open.node.providerId}`]) {
      const { body } = await service.as().get(path).expect(200);
      expect(body.problems).toEqual(['gpu_failed', 'parent_gpu_blocked']);
    }
    expect(outcome(await claim({ gpuIds: open.gpuIds }))).toBe('201');
  });

  it('a partition that is registered meanwhile is kept back as well', async () => {
    await examine('failed');
    const input = partOf(inputs[0]?.uuid ?? '', 12, mig('1g.5gb'));
    const [born] = await createGpus(service, open.node, [input]);
    expect(born?.unschedulableReasons).toEqual(['parent_gpu_blocked']);
    await examine('ok');
    expect((await getGpu(service, born?.id ?? '')).schedulable).toBe(true);
  });

  it('what has failed of a partition keeps back nothing else', async () => {
    await examine('failed', parts[0]);
    expect(await reasons()).toEqual([['gpu_failed'], []]);
    expect((await getGpu(service, root)).schedulable).toBe(true);
    await examine('failed');
    expect(await reasons()).toEqual([['gpu_failed', 'parent_gpu_blocked'], ['parent_gpu_blocked']]);
    await examine('ok');
    expect(await reasons()).toEqual([['gpu_failed'], []]);
  });
});

it('partitions stay behind when their physical GPU moves to another node, and are kept back until they follow', async () => {
  const other = await createNode(service, open.node.providerId);
  await beat(other);
  await putInventory(service, other, { generation: 1, gpus: inputs.slice(0, 1) }).expect(200);
  expect(await reasons()).toEqual([['parent_gpu_blocked'], ['parent_gpu_blocked']]);
  await putInventory(service, other, { generation: 2, gpus: inputs }).expect(200);
  expect(await reasons()).toEqual([[], []]);
});

it('a node that drains keeps partitions back like any GPU of it', async () => {
  await service.as().post(`/v1/nodes/${open.node.id}/drain`).expect(200);
  expect(await reasons()).toEqual([['node_draining'], ['node_draining']]);
  const patched = service.as().patch(`/v1/nodes/${open.node.id}`).set('if-match', '*');
  await patched.send({ eligibility: 'eligible' }).expect(200);
  expect(await reasons()).toEqual([[], []]);
});

it('while a physical GPU is cleaned its partitions are, too, and nobody gets them', async () => {
  await cleaned();
  const { body: used } = await claim({ gpuIds: [root] }).expect(201);
  await service.as(open.tenant.key).post(`/v1/allocations/${used.id}/release`).expect(200);
  expect(await states()).toEqual(['cleaning', 'cleaning', 'cleaning']);
  for (const share of [1000, 100]) {
    const refused = await claim({ gpuIds: [parts[0]], share });
    expect([outcome(refused), refused.body.gpuIds]).toEqual(['409 gpu.unavailable', [parts[0]]]);
    expect(outcome(await ask(mig('1g.5gb').memoryTotalMb, share))).toBe('409 allocation.no_capacity');
  }
  expect((await find()).body.candidates).toEqual([]);
  const provider = await service.as().get(`/v1/providers/${open.node.providerId}`).expect(200);
  expect(provider.body.counts).toMatchObject({ gpus: 4, gpusFree: 1 });
  await service
    .as(open.node.key)
    .post(`/v1/gpus/${root}/cleaning`)
    .send({ allocationId: used.id })
    .expect(200);
  expect(await states()).toEqual(['free', 'free', 'free']);
  expect(outcome(await claim({ gpuIds: parts }))).toBe('201');
});

describe('what is left of the use of a partition keeps its physical GPU as such back', () => {
  beforeEach(() => cleaned());

  it('until the last one is clean; the other partitions are given out meanwhile', async () => {
    const uses = [await use(parts[0]), await use(parts[1])];
    expect(await reasonsOf(root)).toEqual(['partition_unclean']);
    for (const share of [1000, 100]) {
      const refused = await claim({ gpuIds: [root], share });
      expect([outcome(refused), refused.body.gpus]).toEqual([
        '409 gpu.unschedulable',
        [{ gpuId: root, reasons: ['partition_unclean'] }],
      ]);
      expect(outcome(await ask(a100.memoryTotalMb, share))).toBe('409 allocation.no_capacity');
    }
    await report(2, changed(inputs));
    expect(await reasonsOf(root)).toEqual(['partition_unclean']);
    await clean(parts[1], uses[1]);
    expect([await reasonsOf(root), await reasonsOf(parts[1])]).toEqual([['partition_unclean'], []]);
    await clean(parts[0], uses[0]);
    expect(await reasonsOf(root)).toEqual([]);
    expect(outcome(await claim({ gpuIds: [root] }))).toBe('201');
  });

  it('while it is quarantined', async () => {
    await clean(parts[0], await use(parts[0]), 'failed');
    expect([await reasonsOf(root), await reasonsOf(parts[0])]).toEqual([
      ['partition_unclean'],
      ['gpu_quarantined'],
    ]);
    await clearQuarantine(parts[0]);
    expect(await reasonsOf(root)).toEqual([]);
  });

  it('also when the partition is deleted, whoever registers it anew', async () => {
    await use(parts[0]);
    await service.as().delete(`/v1/gpus/${parts[0]}`).set('if-match', '*').expect(204);
    expect(await reasonsOf(root)).toEqual(['gpu_quarantined']);
    const [born] = await createGpus(service, open.node, inputs.slice(1, 2));
    expect(born?.unschedulableReasons).toEqual(['gpu_quarantined', 'parent_gpu_blocked']);
    expect(await reasonsOf(root)).toEqual(['gpu_quarantined', 'partition_unclean']);
  });
});

const claim = (body: object) => service.as(open.tenant.key).post('/v1/allocations').send(body);

/** A request for one partition of the node, by its memory. */
const only = (memoryTotalMb: number) => ({ count: 1, filter: { nodeId: open.node.id, memoryTotalMb } });
const ask = (memoryTotalMb: number, share = 1000) => claim({ request: only(memoryTotalMb), share });
const find = () =>
  service
    .as(open.tenant.key)
    .post('/v1/candidates')
    .send(only(mig('1g.5gb').memoryTotalMb))
    .expect(200);

const reasonsOf = async (gpuId = '') => (await getGpu(service, gpuId)).unschedulableReasons;
const reasons = () => Promise.all(parts.map(reasonsOf));
const states = () =>
  Promise.all([root, ...parts].map(async (id) => (await getGpu(service, id)).allocationState));

const examine = (result: string, gpuId = root) =>
  service
    .as()
    .post('/v1/health-checks')
    .send({ gpuId, check: 'burn_in', outcome: result, underLoad: true })
    .expect(201);
const patch = (change: object) =>
  service.as().patch(`/v1/gpus/${root}`).set('if-match', '*').send(change).expect(200);
const report = (generation: number, gpus: readonly object[]) =>
  putInventory(service, open.node, { generation, gpus }).expect(200);
const beat = ({ id, key }: { id: string; key: string }) =>
  service.as(key).post('/v1/heartbeats').send({ nodeId: id, sequence: 1, status: 'healthy' }).expect(202);

/** From now on GPUs of the node are cleaned after use. */
const cleaned = () =>
  service
    .as()
    .patch(`/v1/nodes/${open.node.id}`)
    .set('if-match', '*')
    .send({ cleaningRequired: true })
    .expect(200);

/** Uses a GPU and gives it back; returns the allocation. */
async function use(gpuId = ''): Promise<string> {
  const { body } = await claim({ gpuIds: [gpuId] }).expect(201);
  await service.as(open.tenant.key).post(`/v1/allocations/${body.id}/release`).expect(200);
  return body.id;
}
const clean = (gpuId = '', allocationId = '', result = 'clean') =>
  service
    .as(open.node.key)
    .post(`/v1/gpus/${gpuId}/cleaning`)
    .send({ allocationId, outcome: result })
    .expect(200);

/** The same GPUs, about all of which something is new. */
const changed = (gpus: typeof inputs) => gpus.map((gpu) => ({ ...gpu, driverVersion: '570.1' }));

/** As a cleaning that nobody reports ends. */
async function quarantine(): Promise<void> {
  await cleaned();
  const { body } = await claim({ gpuIds: [root] }).expect(201);
  await service.as(open.tenant.key).post(`/v1/allocations/${body.id}/release`).expect(200);
  await service.sql.query(
    "UPDATE inventory.gpu_cleaning SET since = since - interval '1 h', deadline_at = since",
  );
  expect(await sweepers.cleaning.sweep()).toBe(1);
}
const clearQuarantine = (gpuId = root) =>
  service.as().post(`/v1/gpus/${gpuId}/clear-quarantine`).send({ reason: 'looked at' }).expect(200);
