import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { findDrift, repairDrift } from '../../src/kernel/drift.ts';
import { orphanProcess } from '../../src/modules/processes/drift.ts';
import { processes } from '../../src/modules/processes/index.ts';
import { changesAfter, lastChange, versionFaults } from '../support/changes.ts';
import { createKey, createNode, type TestNode } from '../support/fleet.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let operator: Client;
let node: TestNode;
let agent: Client;
beforeAll(async () => {
  service = await startService({ HEARTBEAT_MIN_INTERVAL_S: '3600' });
  operator = service.as();
  node = await createNode(service);
  agent = service.as(node.key);
  await agent.post('/v1/heartbeats').send({ nodeId: node.id, sequence: 1, status: 'healthy' }).expect(202);
});
afterEach(async () => expect(await versionFaults(service.sql)).toEqual([]));
afterAll(() => service.stop());

const python = { pid: 10, name: '/usr/bin/python3', user: 'alice', memoryUsedMb: 1024 };
const java = { pid: 20, name: 'java', user: null, memoryUsedMb: null };

async function createGpu(more: object = {}): Promise<string> {
  const gpu = { nodeId: node.id, uuid: `GPU-${randomUUID()}`, vendor: 'nvidia', name: 'NVIDIA A100' };
  return (
    await operator
      .post('/v1/gpus')
      .send({ ...gpu, ...more })
      .expect(201)
  ).body.id;
}

const put = (gpuId: string, generation: number, processes: object[], client = agent) =>
  client.put(`/v1/gpus/${gpuId}/processes`).send({ generation, processes });

async function list(gpuId: string, query = '', client = agent) {
  const { body } = await client.get(`/v1/gpus/${gpuId}/processes${query}`).expect(200);
  return body.items;
}

const openFindings = async (gpuId: string) =>
  (await operator.get(`/v1/findings?gpuId=${gpuId}&state=open`).expect(200)).body.items;

async function allocate(gpuId: string, share = 1000): Promise<string> {
  const tenant = await operator.post('/v1/tenants').send({ name: 'Tenant' }).expect(201);
  const { body } = await operator
    .post('/v1/allocations')
    .send({ gpuIds: [gpuId], tenantId: tenant.body.id, share })
    .expect(201);
  return body.id;
}

describe('a list of processes', () => {
  it('is stored whole, 200', async () => {
    const gpuId = await createGpu();
    const startedAt = '2026-01-02T03:04:05+02:00';
    const { body } = await put(gpuId, 1, [java, { ...python, startedAt }]).expect(200);
    expect(body).toEqual({
      generation: 1,
      started: 2,
      ended: 0,
      processes: [
        {
          ...python,
          ...{ id: expect.any(String), gpuId, startedAt: '2026-01-02T01:04:05.000Z' },
          ...{ endedAt: null, allocationId: null },
        },
        {
          ...java,
          ...{
            id: expect.any(String),
            gpuId,
            startedAt: expect.any(String),
            endedAt: null,
            allocationId: null,
          },
        },
      ],
    });
    const began = Date.now() - Date.parse(body.processes[1].startedAt);
    expect(Math.abs(began)).toBeLessThan(60_000);
    expect(await list(gpuId, '?sort=startedAt')).toEqual(body.processes);
  });

  it('replaces the one before: what goes on is the same process, what is absent has ended', async () => {
    const gpuId = await createGpu();
    const first = (await put(gpuId, 1, [python, java]).expect(200)).body.processes;
    const { body } = await put(gpuId, 2, [
      { ...python, memoryUsedMb: 2048 },
      { pid: 30, name: 'sh' },
    ]).expect(200);
    expect(body).toMatchObject({ started: 1, ended: 1 });
    expect(await list(gpuId)).toMatchObject([
      { ...first[0], memoryUsedMb: 2048 },
      { pid: 30, name: 'sh', user: null, memoryUsedMb: null },
    ]);
    const [ended] = await list(gpuId, '?state=ended');
    expect(ended).toEqual({ ...first[1], endedAt: expect.any(String) });
    expect(Date.parse(ended.endedAt)).toBeGreaterThanOrEqual(Date.parse(ended.startedAt));
    expect(await list(gpuId, '?state.in=running,ended&sort=id')).toHaveLength(3);
  });

  it('may be empty', async () => {
    const gpuId = await createGpu();
    await put(gpuId, 1, [python]).expect(200);
    expect((await put(gpuId, 2, []).expect(200)).body).toEqual({
      generation: 2,
      started: 0,
      ended: 1,
      processes: [],
    });
    expect(await list(gpuId)).toEqual([]);
  });

  it('with the number of one that has ended is of another process', async () => {
    const gpuId = await createGpu();
    await put(gpuId, 1, [python]).expect(200);
    const { body } = await put(gpuId, 2, [{ ...python, name: 'bash' }]).expect(200);
    expect(body).toMatchObject({ started: 1, ended: 1, processes: [{ pid: 10, name: 'bash' }] });
  });

  it('of the same generation and content is a repetition, 200', async () => {
    const gpuId = await createGpu();
    const first = await put(gpuId, 5, [python, java]).expect(200);
    const before = await lastChange(service.sql);
    const again = await put(gpuId, 5, [{ ...java }, python]).expect(200);
    expect(again.body).toEqual({ ...first.body, started: 0 });
    expect(await changesAfter(service.sql, before)).toEqual([]);
  });

  it.each([
    ['lower', 4, [python]],
    ['equal, with other content', 5, [java]],
  ])(
    'of a generation that is %s is refused and changes nothing, 409',
    async (_what, generation, processes) => {
      const gpuId = await createGpu();
      await put(gpuId, 5, [python]).expect(200);
      const { body } = await put(gpuId, generation, processes).expect(409);
      expect(body).toMatchObject({ code: 'processes.stale_generation', currentGeneration: 5 });
      expect(await list(gpuId)).toMatchObject([python]);
    },
  );

  it('keeps a higher generation where nothing differs, without a version', async () => {
    const gpuId = await createGpu();
    await put(gpuId, 5, [python]).expect(200);
    const before = await lastChange(service.sql);
    await put(gpuId, 6, [python]).expect(200);
    expect(await changesAfter(service.sql, before)).toEqual([]);
    await put(gpuId, 5, [python]).expect(409);
  });

  it('is on record with who sent it', async () => {
    const gpuId = await createGpu();
    await put(gpuId, 1, []).expect(200);
    const before = await lastChange(service.sql);
    await put(gpuId, 2, [java]).expect(200);
    expect(await changesAfter(service.sql, before)).toEqual(['finding.opened', 'process_list.updated']);
    const { rows } = await service.sql.query(
      `SELECT actor_type, diff FROM inventory.change WHERE subject_type = 'process_list' AND subject_id = $1 AND version = 2`,
      [gpuId],
    );
    expect(rows).toEqual([
      {
        actor_type: 'agent',
        diff: { before: { processes: [] }, after: { processes: [{ pid: 20, name: 'java', user: null }] } },
      },
    ]);
  });

  it.each([
    ['/processes/1/pid', [python, python]],
    ['/processes/0/pid', [{ pid: -1, name: 'x' }]],
    ['/processes/0/name', [{ pid: 1, name: '' }]],
    ['/processes/0/startedAt', [{ pid: 1, startedAt: '2026-02-30T00:00:00Z' }]],
  ])('that is malformed is refused, 400: %s', async (pointer, processes) => {
    const { body } = await put(await createGpu(), 1, processes).expect(400);
    expect(body.errors).toMatchObject([{ pointer }]);
  });

  it('is written by the node’s agent and by operators, 403 and 404 for all others', async () => {
    const gpuId = await createGpu();
    await put(gpuId, 1, [python], operator).expect(200);
    const provider = service.as(await createKey(service, { role: 'provider', providerId: node.providerId }));
    await put(gpuId, 2, [], provider).expect(403);
    const other = service.as((await createNode(service)).key);
    await put(gpuId, 2, [], other).expect(404);
    await put(randomUUID(), 2, []).expect(404);
    expect(await list(gpuId, '', provider)).toHaveLength(1);
    await other.get(`/v1/gpus/${gpuId}/processes`).expect(404);
  });
});

describe('a process', () => {
  it('runs for whoever the GPU is allocated to', async () => {
    const gpuId = await createGpu();
    const allocationId = await allocate(gpuId);
    await put(gpuId, 1, [python]).expect(200);
    expect(await list(gpuId)).toMatchObject([{ allocationId }]);
    expect(await openFindings(gpuId)).toEqual([]);
    await operator.post(`/v1/allocations/${allocationId}/release`).send({}).expect(200);
    await put(gpuId, 2, []).expect(200);
    expect(await list(gpuId, '?state=ended')).toMatchObject([{ allocationId }]);
  });

  it('of a partition runs for whoever has the physical GPU', async () => {
    const uuid = `GPU-${randomUUID()}`;
    const root = await createGpu({ uuid });
    const partition = await createGpu({ parentUuid: uuid });
    const allocationId = await allocate(root);
    await put(partition, 1, [python]).expect(200);
    expect(await list(partition)).toMatchObject([{ allocationId }]);
    expect(await openFindings(partition)).toEqual([]);
  });

  it('on a GPU that two share is nobody’s by name, and no contradiction', async () => {
    const gpuId = await createGpu();
    await allocate(gpuId, 500);
    await allocate(gpuId, 500);
    await put(gpuId, 1, [python]).expect(200);
    expect(await list(gpuId)).toMatchObject([{ allocationId: null }]);
    expect(await openFindings(gpuId)).toEqual([]);
  });

  it('on a GPU that nobody has is a finding: one, however often it is listed, until it is gone', async () => {
    const gpuId = await createGpu();
    await put(gpuId, 1, [python]).expect(200);
    await put(gpuId, 2, [python, java]).expect(200);
    expect(await openFindings(gpuId)).toMatchObject([
      {
        kind: 'unattributed_process',
        ...{ subjectKey: gpuId, nodeId: node.id, providerId: node.providerId },
        detail: { count: 1, processes: [{ pid: 10, name: '/usr/bin/python3', user: 'alice' }] },
      },
    ]);
    await put(gpuId, 3, []).expect(200);
    expect(await openFindings(gpuId)).toEqual([]);
    await put(gpuId, 4, [java]).expect(200);
    expect(await openFindings(gpuId)).toHaveLength(1);
  });

  it('that outlives its allocation is a finding at the next list', async () => {
    const gpuId = await createGpu();
    const allocationId = await allocate(gpuId);
    await put(gpuId, 1, [python]).expect(200);
    await operator.post(`/v1/allocations/${allocationId}/release`).send({}).expect(200);
    await put(gpuId, 2, [python]).expect(200);
    expect(await openFindings(gpuId)).toMatchObject([{ kind: 'unattributed_process' }]);
    expect(await list(gpuId)).toMatchObject([{ allocationId }]);
  });

  it('that outlives its allocation is found by reconciliation where its agent is silent', async () => {
    const gpuId = await createGpu();
    const allocationId = await allocate(gpuId);
    await put(gpuId, 1, [python]).expect(200);
    const { db } = service.application.kernel;
    const orphans = async () => (await findDrift(db, [orphanProcess]))[0]?.found;
    await repairDrift(db, [orphanProcess]);
    expect(await openFindings(gpuId)).toEqual([]);
    await operator.post(`/v1/allocations/${allocationId}/release`).send({}).expect(200);
    expect(await orphans()).toBe(1);
    await repairDrift(db, [orphanProcess]);
    expect(await openFindings(gpuId)).toMatchObject([{ kind: 'unattributed_process', detail: { count: 1 } }]);
    expect(await orphans()).toBe(0);
  });

  it('that came before its allocation is its own once it is there', async () => {
    const gpuId = await createGpu();
    await put(gpuId, 1, [python]).expect(200);
    const allocationId = await allocate(gpuId);
    await put(gpuId, 2, [python]).expect(200);
    expect(await list(gpuId)).toMatchObject([{ allocationId }]);
    expect(await openFindings(gpuId)).toEqual([]);
  });

  it('is found by what is known of it', async () => {
    const gpuId = await createGpu();
    await put(gpuId, 1, [python, java]).expect(200);
    await put(gpuId, 2, [java]).expect(200);
    const pids = async (query: string) =>
      (await list(gpuId, `?state.in=running,ended&${query}`)).map(({ pid }: { pid: number }) => pid);
    expect(await pids('user=alice')).toEqual([10]);
    expect(await pids('name=java')).toEqual([20]);
    expect(await pids('pid.gte=15')).toEqual([20]);
    expect(await pids('endedAt.exists=true')).toEqual([10]);
    expect(await pids('memoryUsedMb.lt=2000')).toEqual([10]);
  });
});

describe('two lists of one generation at once', () => {
  it('with other content: exactly one is taken', async () => {
    const gpuId = await createGpu();
    for (let generation = 1; generation <= 5; generation++) {
      const lists = Array.from({ length: 8 }, (_, index) => [{ pid: index, name: `p${index}` }]);
      const answers = await Promise.all(lists.map((processes) => put(gpuId, generation, processes)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)]);
      expect(await list(gpuId)).toHaveLength(1);
    }
  });

  it('with the same content: all are taken, and it has one effect', async () => {
    const gpuId = await createGpu();
    const answers = await Promise.all(Array.from({ length: 8 }, () => put(gpuId, 1, [python])));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(answers.reduce((sum, { body }) => sum + body.started, 0)).toBe(1);
  });
});

it('an ended process is forgotten after 90 days', async () => {
  const gpuId = await createGpu();
  await put(gpuId, 1, [python, java]).expect(200);
  await put(gpuId, 2, []).expect(200);
  await service.sql.query(
    `UPDATE inventory.gpu_process SET started_at = now() - interval '100 days', ended_at = now() - interval '91 days'
      WHERE gpu_id = $1 AND pid = 10`,
    [gpuId],
  );
  const { kernel } = service.application;
  const prune = processes.create(kernel, () => ({ liveAllocations: async () => [] }) as never).workers?.[0];
  await prune?.run();
  expect(await list(gpuId, '?state=ended')).toMatchObject([{ pid: 20 }]);
});
