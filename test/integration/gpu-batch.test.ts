import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changesAfter, lastChange, versionFaults } from '../support/changes.ts';
import { createNode, type TestNode } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInput, gpuInputs } from '../support/gpu-inputs.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let node: TestNode;
beforeAll(async () => {
  service = await startService();
  node = await createNode(service);
});
afterAll(async () => {
  const faults = await versionFaults(service.sql);
  await service.stop();
  expect(faults).toEqual([]);
});

const batch = (body: object, query = '') => service.as().post(`/v1/gpus/batch${query}`).send(body);
const create = (gpu: object) => batch({ gpus: [{ nodeId: node.id, ...gpu }] });

/** What the problem of each outcome names. */
const pointersOf = (results: { problem?: { errors: { pointer: string }[] } }[]) =>
  results.map(({ problem }) => problem?.errors.map(({ pointer }) => pointer).sort() ?? []);

describe('POST /v1/gpus/batch', () => {
  it('creates all or none, naming the item at fault', async () => {
    const inputs = gpuInputs(3).map((gpu) => ({ nodeId: node.id, ...gpu }));
    const { body } = await batch({ gpus: inputs }).expect(201);
    expect(body.gpus.map((gpu: { uuid: string }) => gpu.uuid)).toEqual(inputs.map(({ uuid }) => uuid));
    const before = await lastChange(service.sql);
    const fresh = gpuInputs(2).map((gpu) => ({ nodeId: node.id, ...gpu }));
    const faults: [object, number, string][] = [
      [inputs[0] as object, 409, '/gpus/2/uuid'],
      [{ ...gpuInput(), nodeId: randomUUID() }, 404, '/gpus/2/nodeId'],
      [{ ...gpuInput(), nodeId: node.id, parentUuid: 'GPU-none' }, 400, '/gpus/2/parentUuid'],
      [fresh[0] as object, 400, '/gpus/2/uuid'],
      [{ ...gpuInput(), nodeId: node.id, vendor: 'x' }, 400, '/gpus/2/vendor'],
    ];
    for (const [fault, status, pointer] of faults) {
      const refused = await batch({ gpus: [...fresh, fault] }).expect(status);
      expect(refused.body.errors).toEqual([{ pointer, detail: expect.any(String) }]);
    }
    expect(await changesAfter(service.sql, before)).toEqual([]);
  });

  it('answers 207 with an outcome for each item, in input order', async () => {
    const other = await createNode(service);
    const [mine, theirs] = [gpuInput(), gpuInput()];
    await create(mine).expect(201);
    await create({ ...theirs, nodeId: other.id }).expect(201);
    const fresh = gpuInput();
    const items = [mine, fresh, theirs, fresh, { ...gpuInput(), nodeId: randomUUID() }];
    const { body } = await batch(
      { gpus: items.map((gpu) => ({ nodeId: node.id, ...gpu })) },
      '?atomic=false',
    ).expect(207);
    const outcomes = body.results.map(
      (result: { status: number; problem?: { code: string }; gpu?: { uuid: string } }) => [
        result.status,
        result.problem?.code ?? result.gpu?.uuid,
      ],
    );
    expect(outcomes).toEqual([
      [409, 'gpu.exists'],
      [201, fresh.uuid],
      [409, 'gpu.hardware_conflict'],
      [400, 'request.invalid'],
      [404, 'node.not_found'],
    ]);
    const { rows } = await service.sql.query(
      `SELECT detail ->> 'uuid' AS uuid FROM inventory.finding WHERE provider_id = $1 AND kind = 'hardware_conflict'`,
      [node.providerId],
    );
    expect(rows).toEqual([{ uuid: theirs.uuid }]);
  });

  it('answers 207 for items that are no GPUs at all: the others are created', async () => {
    const [first, last] = gpuInputs(2).map((gpu) => ({ nodeId: node.id, ...gpu }));
    const nameless = { nodeId: node.id.toUpperCase(), uuid: 'GPU-n', vendor: 'nvidia' };
    const odd = { ...gpuInput(), nodeId: node.id, vendor: 'x', rank: 1 };
    const { body } = await batch({ gpus: [first, null, nameless, odd, last] }, '?atomic=false').expect(207);
    expect(body.results.map(({ status }: { status: number }) => status)).toEqual([201, 400, 400, 400, 201]);
    expect(pointersOf(body.results)).toEqual([
      [],
      ['/gpus/1'],
      ['/gpus/2/name'],
      ['/gpus/3/rank', '/gpus/3/vendor'],
      [],
    ]);
    expect(body.results[4].gpu).toMatchObject({ uuid: last?.uuid, nodeId: node.id });
  });

  it('answers 207 for patches that are none, and refuses what is no list of items', async () => {
    const [gpu] = await createGpus(service, node, gpuInputs(1));
    const good = { id: gpu?.id.toUpperCase(), version: 1, labels: { a: '1' } };
    const { body } = await batch({ patches: [{ id: 'x' }, good] }, '?atomic=false').expect(207);
    expect(body.results.map(({ status }: { status: number }) => status)).toEqual([400, 200]);
    expect(pointersOf(body.results)).toEqual([['/patches/0/id', '/patches/0/version'], []]);
    for (const odd of [{ gpus: [null], patches: [good] }, { gpus: [] }, { gpus: {} }, {}, { items: [null] }])
      await batch(odd, '?atomic=false').expect(400);
    await batch({ patches: [{ id: 'x' }] }, '?atomic=no').expect(400);
    await batch({ patches: [{ id: 'x' }, good] }).expect(400);
  });

  it('patches all or none, and each for itself when asked', async () => {
    const gpus = await createGpus(service, node, gpuInputs(3));
    const patches = gpus.map(({ id }, index) => ({ id, version: 1, pricePerHourNanoUsd: String(index) }));
    const { body } = await batch({ patches }).expect(200);
    expect(
      body.gpus.map((gpu: { version: number; pricePerHourNanoUsd: string }) => [
        gpu.version,
        gpu.pricePerHourNanoUsd,
      ]),
    ).toEqual([
      [2, '0'],
      [2, '1'],
      [2, '2'],
    ]);
    const stale = patches.map((item, index) => ({
      ...item,
      version: index === 1 ? 1 : 2,
      labels: { a: '1' },
    }));
    const refused = await batch({ patches: stale }).expect(412);
    expect(refused.body).toMatchObject({
      code: 'request.version_conflict',
      errors: [{ pointer: '/patches/1/version' }],
    });
    const { body: each } = await batch(
      { patches: [...stale, stale[0], { id: randomUUID(), version: 1 }] },
      '?atomic=false',
    ).expect(207);
    expect(each.results.map(({ status }: { status: number }) => status)).toEqual([200, 412, 200, 400, 404]);
    expect(await getGpu(service, gpus[0]?.id ?? '')).toMatchObject({ version: 3, labels: { a: '1' } });
  });

  it('refuses both kinds at once, none, and more than 1,000', async () => {
    await batch({}).expect(400);
    await batch({ gpus: [], patches: [] }).expect(400);
    await batch({ gpus: [] }).expect(400);
    await batch({ patches: Array.from({ length: 1001 }, () => ({ id: node.id, version: 1 })) }).expect(400);
    await service
      .as(node.key)
      .post('/v1/gpus/batch')
      .send({ patches: [{ id: node.id, version: 1 }] })
      .expect(403);
  });

  it('takes 1,000 GPUs in one request, and 1,000 patches', async () => {
    const big = await createNode(service);
    const gpus = await createGpus(
      service,
      big,
      gpuInputs(255).concat(Array.from({ length: 745 }, () => gpuInput()) as ReturnType<typeof gpuInputs>),
    );
    expect(gpus).toHaveLength(1000);
    const patches = gpus.map(({ id, version }) => ({ id, version, labels: { batch: 'x' } }));
    const { body } = await batch({ patches }).expect(200);
    expect(body.gpus).toHaveLength(1000);
    const { rows } = await service.sql.query(
      'SELECT count(*)::int AS n FROM inventory.gpu_state WHERE node_id = $1 AND version = 2',
      [big.id],
    );
    expect(rows).toEqual([{ n: 1000 }]);
  });
});
