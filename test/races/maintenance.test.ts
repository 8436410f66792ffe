import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createNode, createProvider, type TestNode } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInput } from '../support/gpu-inputs.ts';
import { announce } from '../support/maintenance.ts';
import { openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let replica: TestService;
beforeAll(async () => {
  service = await startService();
  replica = await startService({}, service.database);
});
afterAll(async () => {
  expect(await versionFaults(service.sql)).toEqual([]);
  await replica.stop();
  await service.stop();
});

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const addGpu = async (node: TestNode): Promise<string> =>
  (await createGpus(replica, node, [gpuInput()]))[0]?.id ?? '';
const either = (index: number) => (index % 2 ? service : replica);

describe('maintenance announced side by side', () => {
  it('of one node, or of its provider, is announced once', async () => {
    const node = await createNode(service);
    const answers = await Promise.all(
      times(20, (index) =>
        announce(either(index), index % 4 < 2 ? { nodeId: node.id } : { providerId: node.providerId }),
      ),
    );
    const statuses = answers
      .map(({ status, body }) => (status === 201 ? 201 : `${status} ${body.code}`))
      .sort();
    expect(statuses).toEqual([201, ...Array(19).fill('409 maintenance_window.exists')]);
    const { rows } = await service.sql.query(
      'SELECT count(*)::integer AS open FROM inventory.node_maintenance WHERE node_id = $1 AND open',
      [node.id],
    );
    expect(rows).toEqual([{ open: 1 }]);
  });

  it('beside claims: what is claimed was claimed before, and its tenant is told', async () => {
    const { node, gpuIds, tenant } = await openNode(service, { gpus: 12 });
    const claims = gpuIds.map((gpuId, index) =>
      either(index)
        .as(tenant.key)
        .post('/v1/allocations')
        .send({ gpuIds: [gpuId] }),
    );
    const middle = announce(service, { nodeId: node.id });
    const [window, ...answers] = await Promise.all([middle, ...claims]);
    expect(window.status).toBe(201);
    const taken = gpuIds.filter((_, index) => answers[index]?.status === 201);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect([answer.status, answer.body.code]).toEqual([409, 'gpu.unschedulable']);
    const { rows } = await service.sql.query(
      `SELECT coalesce(jsonb_path_query_array(diff, '$.after.gpuIds[*]'), '[]') AS told FROM inventory.change
        WHERE subject_type = 'maintenance_notice' AND tenant_id = $1`,
      [tenant.id],
    );
    expect((rows[0]?.told ?? []).toSorted()).toEqual(taken.toSorted());
    for (const id of gpuIds)
      expect((await getGpu(service, id)).unschedulableReasons).toEqual(['maintenance_window']);
  });

  it('of a provider beside nodes and GPUs that join it leaves none out', async () => {
    const { id: providerId } = await createProvider(service);
    const node = await createNode(service, providerId);
    const [window, ...joined] = await Promise.all([
      announce(service, { providerId }),
      ...times(6, () => createNode(replica, providerId)),
      ...times(6, async () => ({ ...node, gpu: await addGpu(node) })),
    ]);
    expect(window.status).toBe(201);
    const { rows } = await service.sql.query(
      `SELECT n.id FROM inventory.node n LEFT JOIN inventory.node_maintenance m ON m.node_id = n.id AND m.open
        WHERE n.provider_id = $1 AND m.node_id IS NULL`,
      [providerId],
    );
    expect([joined.length, rows]).toEqual([12, []]);
    const { body } = await service.as().get(`/v1/gpus?providerId=${providerId}`).expect(200);
    const bare = body.items.filter(({ maintenance }: { maintenance: object | null }) => maintenance === null);
    expect([body.items.length, bare]).toEqual([6, []]);
  });
});
