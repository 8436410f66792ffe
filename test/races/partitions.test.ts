import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { deadlocks } from '../support/deadlocks.ts';
import { createGpus, getGpu, gpuInput } from '../support/gpu-inputs.ts';
import { ledgerFaults, unswept } from '../support/ledger.ts';
import { outcome, parallel } from '../support/outcomes.ts';
import { a100, mig, partOf } from '../support/partitions.ts';
import { openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(() => service.stop());

it('claims on partitions and the failure of their physical GPU come in some order, and never wait for each other', async () => {
  const { node, tenant } = await openNode(service, { gpus: 1 });
  // Its id is as a rule above some of theirs: whoever locked it before its partitions would wait for those who hold them.
  const whole = gpuInput({ index: 7, specs: a100 });
  const inputs = Array.from({ length: 6 }, (_, index) => partOf(whole.uuid, index, mig('1g.5gb')));
  const ids = (await createGpus(service, node, [...inputs, whole])).map(({ id }) => id);
  const [root, parts] = [ids.at(-1), ids.slice(0, -1)];
  const key = tenant.key;
  const examine = (found: string) =>
    service
      .as()
      .post('/v1/health-checks')
      .send({ gpuId: root, check: 'burn_in', outcome: found, underLoad: true })
      .expect(201);
  for (let round = 0; round < 12; round++) {
    const [replies] = await Promise.all([
      parallel(6, (at) =>
        service
          .as(key)
          .post('/v1/allocations')
          .send({ gpuIds: [parts[at]] }),
      ),
      examine('failed'),
    ]);
    for (const reply of replies) expect(['201', '409 gpu.unschedulable']).toContain(outcome(reply));
    for (const id of parts)
      expect((await getGpu(service, id)).unschedulableReasons).toEqual(['parent_gpu_blocked']);
    const served = replies.flatMap(({ status, body }) => (status === 201 ? [body.id] : []));
    await Promise.all([
      ...served.map((id) => service.as(key).post(`/v1/allocations/${id}/release`).expect(200)),
      examine('ok'),
    ]);
    for (const id of parts) expect((await getGpu(service, id)).unschedulableReasons).toEqual([]);
  }
  expect(await deadlocks(service.sql)).toBe(0);
  expect(await ledgerFaults(service.sql)).toEqual([]);
  expect(await versionFaults(service.sql)).toEqual([]);
}, 60_000);

it('uses of partitions that are cleaned, and claims on their physical GPU, never wait for each other', async () => {
  const { node, tenant } = await openNode(service, { gpus: 1 });
  const patched = service.as().patch(`/v1/nodes/${node.id}`).set('if-match', '*');
  await patched.send({ cleaningRequired: true }).expect(200);
  // Registered last, it is locked last: who cleans a partition must have waited for it.
  const whole = gpuInput({ index: 7, specs: a100 });
  const inputs = Array.from({ length: 6 }, (_, index) => partOf(whole.uuid, index, mig('1g.5gb')));
  const ids = (await createGpus(service, node, [...inputs, whole])).map(({ id }) => id);
  const [root = '', parts] = [ids.at(-1), ids.slice(0, -1)];
  const client = service.as(tenant.key);
  /** What became of a claim; what was given out is given back and cleaned. */
  const use = async (gpuId: string): Promise<string> => {
    const reply = await client.post('/v1/allocations').send({ gpuIds: [gpuId] });
    if (reply.status !== 201) return outcome(reply);
    await client.post(`/v1/allocations/${reply.body.id}/release`).expect(200);
    const report = service.as(node.key).post(`/v1/gpus/${gpuId}/cleaning`);
    await report.send({ allocationId: reply.body.id }).expect(200);
    return '201';
  };
  for (let round = 0; round < 12; round++) {
    const found = await Promise.all([...parts, root, root].map(use));
    for (const what of found) expect(['201', '409 gpu.unavailable', '409 gpu.unschedulable']).toContain(what);
    expect((await getGpu(service, root)).unschedulableReasons).toEqual([]);
    expect(await use(root)).toBe('201');
  }
  expect(await deadlocks(service.sql)).toBe(0);
  expect(await ledgerFaults(service.sql)).toEqual([]);
  expect(await versionFaults(service.sql)).toEqual([]);
}, 60_000);

it('claims by request and by name, and their ends, never wait for each other across a physical GPU', async () => {
  const { node, tenant } = await openNode(service, { gpus: 1 });
  const whole = gpuInput({ index: 7, specs: a100 });
  const inputs = Array.from({ length: 6 }, (_, index) => partOf(whole.uuid, index, mig('1g.5gb')));
  // Registered first, it is locked first by whoever names GPUs.
  const ids = (await createGpus(service, node, [whole, ...inputs])).map(({ id }) => id);
  const filter = { nodeId: node.id, memoryTotalMb: mig('1g.5gb').memoryTotalMb };
  const client = service.as(tenant.key);
  const claim = (body: object) => client.post('/v1/allocations').send(body);
  const actors = [
    ...ids.slice(0, 4).map((id) => () => claim({ gpuIds: [id] })),
    ...[1, 1, 2, 3].map((count) => () => claim({ request: { count, filter } })),
    ...[200, 300].map((share) => () => claim({ request: { count: 1, filter }, share })),
    ...[1, 2].map((count) => () => client.post('/v1/candidates').send({ count, filter, holdTtlS: 60 })),
  ];
  const before = await deadlocks(service.sql);
  const found = await Promise.all(
    actors.map(async (act) => {
      const outcomes: string[] = [];
      for (let turn = 0; turn < 25; turn++) {
        const reply = await act();
        outcomes.push(outcome(reply));
        const id = reply.body.hold?.id ?? reply.body.id;
        if (id) await client.post(`/v1/allocations/${id}/release`).expect(200);
      }
      return outcomes;
    }),
  );
  const expected = ['200', '201', '409 gpu.unavailable', '409 allocation.no_capacity'];
  expect(found.flat().filter((what) => !expected.includes(what))).toEqual([]);
  expect(await deadlocks(service.sql)).toBe(before);
  expect(await ledgerFaults(service.sql)).toEqual([]);
  expect(await versionFaults(service.sql)).toEqual([]);
}, 90_000);
