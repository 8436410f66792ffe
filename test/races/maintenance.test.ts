import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createNode, createProvider, type TestNode } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInput } from '../support/gpu-inputs.ts';
import { announce, inSeconds } from '../support/maintenance.ts';
import { openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

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
const enrollmentToken = async (providerId: string): Promise<string> =>
  (await service.as().post(`/v1/providers/${providerId}/enrollment-tokens`).send({}).expect(201)).body.token;
const enroll = (token: string) =>
  replica
    .as()
    .post('/v1/nodes/enroll')
    .send({ token, hostname: `node-${randomUUID()}` })
    .expect(201);
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

  it('as an emergency and as planned, of a node and of its provider: at most one of each kind stands, none in the way', async () => {
    const node = await createNode(service);
    const planned = { kind: 'planned', startsAt: inSeconds(7200), endsAt: inSeconds(9000) };
    const answers = await Promise.all(
      times(24, (index) =>
        announce(either(index), {
          ...(index % 3 ? { nodeId: node.id } : { providerId: node.providerId }),
          ...(index % 4 < 2 && planned),
        }),
      ),
    );
    const kinds = answers.filter(({ status }) => status === 201).map(({ body }) => body.kind);
    expect(kinds.sort()).toEqual(['emergency', 'planned']);
    const { rows } = await service.sql.query(
      'SELECT kind, open, aside FROM inventory.node_maintenance WHERE node_id = $1 ORDER BY kind',
      [node.id],
    );
    expect(rows).toEqual([
      { kind: 'emergency', open: true, aside: false },
      { kind: 'planned', open: false, aside: true },
    ]);
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

  it('of a provider is waited for by a machine that enrols meanwhile', async () => {
    const { id: providerId } = await createProvider(service);
    const token = await enrollmentToken(providerId);
    const announcing = await service.sql.connect();
    await announcing.query('BEGIN');
    await announcing.query('SELECT FROM inventory.provider WHERE id = $1 FOR NO KEY UPDATE', [providerId]);
    const enrolled = enroll(token).then(({ body }) => body);
    await until('it waits', async () => {
      const { rows } = await announcing.query(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      return rows.length > 0;
    });
    await announcing.query('COMMIT');
    announcing.release();
    expect((await enrolled).node.providerId).toBe(providerId);
  });

  it('of a provider beside nodes and GPUs that join it leaves none out', async () => {
    const { id: providerId } = await createProvider(service);
    const node = await createNode(service, providerId);
    const tokens = await Promise.all(times(6, () => enrollmentToken(providerId)));
    const [window, ...joined] = await Promise.all([
      announce(service, { providerId }),
      ...times(6, () => createNode(replica, providerId)),
      ...tokens.map((token) => enroll(token)),
      ...times(6, async () => ({ ...node, gpu: await addGpu(node) })),
    ]);
    expect(window.status).toBe(201);
    const { rows } = await service.sql.query(
      `SELECT n.id FROM inventory.node n LEFT JOIN inventory.node_maintenance m ON m.node_id = n.id AND m.open
        WHERE n.provider_id = $1 AND m.node_id IS NULL`,
      [providerId],
    );
    expect([joined.length, rows]).toEqual([18, []]);
    const { body } = await service.as().get(`/v1/gpus?providerId=${providerId}`).expect(200);
    const bare = body.items.filter(({ maintenance }: { maintenance: object | null }) => maintenance === null);
    expect([body.items.length, bare]).toEqual([6, []]);
  });
});
