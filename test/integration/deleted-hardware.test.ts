import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createNode, type TestNode } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInputs, putInventory } from '../support/gpu-inputs.ts';
import { createSweepers, unswept } from '../support/ledger.ts';
import { outcome } from '../support/outcomes.ts';
import { a100, createPartitioned, mig } from '../support/partitions.ts';
import { createTenant, type TestTenant } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let tenant: TestTenant;
let node: TestNode;
let inputs: ReturnType<typeof gpuInputs>;
let gpuId: string;

beforeAll(async () => {
  service = await startService({ ...unswept, CLEANING_REQUIRED: 'true' });
  tenant = await createTenant(service);
});
afterAll(async () => {
  expect(await versionFaults(service.sql)).toEqual([]);
  await service.stop();
});
beforeEach(async () => {
  node = await heardNode();
  inputs = gpuInputs(1);
  gpuId = (await putInventory(service, node, { generation: 1, gpus: inputs }).expect(200)).body.added[0];
});

const flaws: Record<string, () => Promise<unknown>> = {
  gpu_cleaning: () => use(gpuId),
  gpu_quarantined: async () => {
    const report = { allocationId: await use(gpuId), outcome: 'failed' };
    await service.as(node.key).post(`/v1/gpus/${gpuId}/cleaning`).send(report).expect(200);
  },
  gpu_failed: async () => {
    const check = { gpuId, check: 'burn_in', outcome: 'failed' };
    await service.as().post('/v1/health-checks').send(check).expect(201);
  },
};

/** Ways for hardware to be deleted, and to be registered anew: the new GPU's id. */
const deletions: Record<string, () => Promise<void>> = {
  'as a GPU': () => remove(`/v1/gpus/${gpuId}`),
  'with its node': () => remove(`/v1/nodes/${node.id}`),
  'with its provider': () => remove(`/v1/providers/${node.providerId}`),
};
const registrations: Record<string, (on: TestNode) => Promise<string>> = {
  'by its provider': async (on) => (await createGpus(service, on, inputs))[0]?.id ?? '',
  'by an agent': async (on) =>
    (await putInventory(service, on, { generation: 9, gpus: inputs }).expect(200)).body.added[0],
  'by another provider': async () => {
    const nodes = [{ hostname: 'bought', gpus: inputs }];
    const provider = { name: 'Buyer', email: `${randomUUID()}@example.test`, region: 'eu', nodes };
    const { body } = await service.as().post('/v1/providers').send(provider).expect(201);
    const [bought] = body.nodes;
    await service
      .as()
      .post('/v1/heartbeats')
      .send({ nodeId: bought.id, sequence: 1, status: 'healthy' })
      .expect(202);
    return bought.gpus[0].id;
  },
};

const cases = [
  ['gpu_cleaning', 'as a GPU', 'by its provider'],
  ['gpu_cleaning', 'with its node', 'by an agent'],
  ['gpu_cleaning', 'with its provider', 'by another provider'],
  ['gpu_quarantined', 'as a GPU', 'by an agent'],
  ['gpu_quarantined', 'with its node', 'by another provider'],
  ['gpu_failed', 'as a GPU', 'by its provider'],
] as const;

it.each(cases)(
  '%s: hardware that is deleted %s and registered anew %s is quarantined',
  async (...[flaw, how, by]) => {
    await flaws[flaw]?.();
    await deletions[how]?.();
    const on =
      how === 'as a GPU' ? node : await heardNode(how === 'with its node' ? node.providerId : undefined);
    const again = (await registrations[by]?.(on)) as string;
    expect(again).not.toBe(gpuId);
    const refused = await claim(again);
    expect([outcome(refused), refused.body.gpus[0].reasons]).toEqual([
      '409 gpu.unschedulable',
      ['gpu_quarantined'],
    ]);
    const { rows } = await service.sql.query(
      `SELECT reason FROM inventory.change WHERE type = 'gpu.created' AND subject_id = $1`,
      [again],
    );
    expect(rows).toEqual([{ reason: `quarantined: ${flaw} when its hardware was deleted` }]);
    await clear(again);
    expect(outcome(await claim(again))).toBe('201');
  },
);

it('hardware that nothing was against comes back as any new GPU, what was cleared before included', async () => {
  await flaws.gpu_quarantined?.();
  await clear(gpuId);
  for (let round = 0; round < 2; round++) {
    await remove(`/v1/gpus/${gpuId}`);
    [{ id: gpuId } = { id: '' }] = await createGpus(service, node, inputs);
    const { body } = await service.as().get(`/v1/gpus/${gpuId}`).expect(200);
    expect(body).toMatchObject({ schedulable: true, unschedulableReasons: [], version: 1 });
  }
});

it('hardware that was looked at when it came back is as any other from then on', async () => {
  await flaws.gpu_failed?.();
  await remove(`/v1/gpus/${gpuId}`);
  const [again] = await createGpus(service, node, inputs);
  await clear(again?.id ?? '');
  await remove(`/v1/gpus/${again?.id}`);
  const [last] = await createGpus(service, node, inputs);
  expect(await reasonsOf(last?.id ?? '')).toEqual([]);
});

it.each(['gpu_cleaning', 'gpu_quarantined'])(
  'a partition that is deleted with %s leaves its physical GPU quarantined, one that is clean does not',
  async (flaw) => {
    const { root, parts } = await createPartitioned(service, node, a100, [mig('1g.5gb'), mig('1g.5gb')]);
    const [clean = '', dirty = ''] = parts;
    await remove(`/v1/gpus/${clean}`);
    expect(await reasonsOf(root)).toEqual([]);
    gpuId = dirty;
    await flaws[flaw]?.();
    expect(await reasonsOf(root)).toEqual(['partition_unclean']);
    await remove(`/v1/gpus/${dirty}`);
    expect(await reasonsOf(root)).toEqual(['gpu_quarantined']);
    await clear(root);
    expect(outcome(await claim(root))).toBe('201');
  },
);

it('a physical GPU that is deleted with its unclean partition leaves nothing behind', async () => {
  const { root, parts } = await createPartitioned(service, node, a100, [mig('1g.5gb')]);
  await use(parts[0] as string);
  await remove(`/v1/gpus/${root}`);
  for (const id of [root, ...parts]) await service.as().get(`/v1/gpus/${id}`).expect(404);
});

it('nobody waits any more for the cleaning of a GPU that was deleted', async () => {
  await use(gpuId);
  await remove(`/v1/gpus/${gpuId}`);
  await service.sql.query(
    `UPDATE inventory.gpu_cleaning SET since = since - interval '1 h', deadline_at = since`,
  );
  const sweepers = createSweepers(service);
  expect(await sweepers.cleaning.sweep()).toBe(0);
  await sweepers.close();
});

const reasonsOf = async (id: string): Promise<string[]> => (await getGpu(service, id)).unschedulableReasons;

async function heardNode(providerId?: string): Promise<TestNode> {
  const made = await createNode(service, providerId);
  const beat = { nodeId: made.id, sequence: 1, status: 'healthy' };
  await service.as(made.key).post('/v1/heartbeats').send(beat).expect(202);
  return made;
}

const claim = (id: string) =>
  service
    .as(tenant.key)
    .post('/v1/allocations')
    .send({ gpuIds: [id] });

/** Claims and releases it; the allocation that has left something on it. */
async function use(id: string): Promise<string> {
  const { body } = await claim(id).expect(201);
  await service.as(tenant.key).post(`/v1/allocations/${body.id}/release`).expect(200);
  return body.id;
}

const remove = async (path: string): Promise<void> =>
  void (await service.as().delete(path).set('if-match', '*').expect(204));

const clear = (id: string) =>
  service.as().post(`/v1/gpus/${id}/clear-quarantine`).send({ reason: 'looked at' }).expect(200);
