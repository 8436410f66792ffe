import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changesAfter, lastChange, versionFaults } from '../support/changes.ts';
import { createKey, createNode, createProvider } from '../support/fleet.ts';
import { getGpu, gpuInput, gpuInputs, putInventory } from '../support/gpu-inputs.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(async () => {
  const faults = await versionFaults(service.sql);
  await service.stop();
  expect(faults).toEqual([]);
});

const lists = (body: Record<string, string[]>) =>
  Object.fromEntries(
    ['added', 'updated', 'unchanged', 'missing', 'returned'].map((name) => [name, body[name]?.length]),
  );
const none = { added: 0, updated: 0, unchanged: 0, missing: 0, returned: 0 };

describe('a snapshot', () => {
  it('adds what it lists, and the same again changes nothing: no version, no event', async () => {
    const node = await createNode(service);
    const gpus = gpuInputs(8);
    const first = await putInventory(service, node, { generation: 1, gpus }).expect(200);
    expect(lists(first.body)).toEqual({ ...none, added: 8 });
    expect(first.body.counts).toEqual({ ...none, added: 8 });
    const before = await lastChange(service.sql);
    const second = await putInventory(service, node, { generation: 2, gpus }).expect(200);
    expect(second.body.unchanged).toEqual(first.body.added);
    expect(lists(second.body)).toEqual({ ...none, unchanged: 8 });
    expect(await changesAfter(service.sql, before)).toEqual([]);
    const { body } = await service.as().get(`/v1/nodes/${node.id}`).expect(200);
    expect(body).toMatchObject({ inventoryGeneration: 2, version: 1 });
  });

  it('numbers GPUs in the order of its list, whatever their uuids', async () => {
    const node = await createNode(service);
    const gpus = gpuInputs(12);
    await putInventory(service, node, { generation: 1, gpus }).expect(200);
    const { rows } = await service.sql.query(
      'SELECT uuid FROM inventory.gpu WHERE node_id = $1 ORDER BY seq',
      [node.id],
    );
    expect(rows).toEqual(gpus.map(({ uuid }) => ({ uuid })));
  });

  it('leaves rows alone that it has nothing new to say of', async () => {
    const node = await createNode(service);
    const gpus = gpuInputs(4);
    await putInventory(service, node, { generation: 1, gpus });
    const rowVersions = async () =>
      (
        await service.sql.query(
          'SELECT s.xmin::text, s.xmax::text, g.xmin::text AS g, l.xmin::text AS l FROM inventory.gpu_state s JOIN inventory.gpu g ON g.id = s.gpu_id JOIN inventory.gpu_layer l ON l.gpu_id = g.id WHERE s.node_id = $1 ORDER BY g.seq',
          [node.id],
        )
      ).rows;
    const before = await rowVersions();
    await putInventory(service, node, { generation: 2, gpus }).expect(200);
    expect(await rowVersions()).toEqual(before);
  });

  it('marks what is absent as missing, with one event, and takes it back under the same id', async () => {
    const node = await createNode(service);
    const gpus = gpuInputs(3);
    const { body: first } = await putInventory(service, node, { generation: 1, gpus });
    const before = await lastChange(service.sql);
    const { body: lost } = await putInventory(service, node, { generation: 2, gpus: gpus.slice(1) }).expect(
      200,
    );
    expect(lost).toMatchObject({ missing: [first.added[0]], unchanged: first.added.slice(1) });
    expect(await changesAfter(service.sql, before)).toEqual(['gpu.lost']);
    expect(await getGpu(service, first.added[0])).toMatchObject({
      presence: 'missing',
      version: 2,
      schedulable: false,
      unschedulableReasons: ['node_not_heard', 'gpu_missing'],
    });
    const { body: again } = await putInventory(service, node, { generation: 3, gpus: gpus.slice(1) }).expect(
      200,
    );
    expect(lists(again)).toEqual({ ...none, unchanged: 2 });
    const { body: back } = await putInventory(service, node, { generation: 4, gpus }).expect(200);
    expect(back).toMatchObject({ returned: [first.added[0]], unchanged: first.added.slice(1), added: [] });
    expect(await getGpu(service, first.added[0])).toMatchObject({
      presence: 'present',
      version: 3,
      unschedulableReasons: ['node_not_heard'],
    });
  });

  it('is refused when it is older, or of the same generation with other content', async () => {
    const node = await createNode(service);
    const gpus = gpuInputs(2);
    await putInventory(service, node, { generation: 5, gpus }).expect(200);
    const before = await lastChange(service.sql);
    const older = await putInventory(service, node, { generation: 4, gpus }).expect(409);
    expect(older.body).toMatchObject({ code: 'inventory.stale_generation', currentGeneration: 5 });
    const other = await putInventory(service, node, { generation: 5, gpus: gpus.slice(1) }).expect(409);
    expect(other.body.code).toBe('inventory.stale_generation');
    expect(await changesAfter(service.sql, before)).toEqual([]);
  });

  it('may be repeated with its generation, in another order and spelling', async () => {
    const node = await createNode(service);
    const gpus = gpuInputs(2);
    const { body: first } = await putInventory(service, node, { generation: 0, gpus }).expect(200);
    const respelled = gpus.toReversed().map((gpu) => ({
      ...gpu,
      uuid: ` ${gpu.uuid.toUpperCase()} `,
      pciBusId: `0000${String(gpu.pciBusId)}`,
      name: 'NVIDIA  GeForce RTX 4090',
    }));
    const { body } = await putInventory(service, node, { generation: 0, gpus: respelled }).expect(200);
    expect(body.unchanged).toEqual(first.added.toReversed());
  });

  it('that is incomplete or empty by accident never marks a GPU as missing', async () => {
    const node = await createNode(service);
    const gpus = gpuInputs(3);
    const { body: first } = await putInventory(service, node, { generation: 1, gpus });
    const partial = await putInventory(service, node, {
      generation: 2,
      complete: false,
      gpus: gpus.slice(0, 1),
    });
    expect(lists(partial.body)).toEqual({ ...none, unchanged: 1 });
    const empty = await putInventory(service, node, { generation: 3, gpus: [] }).expect(200);
    expect(lists(empty.body)).toEqual(none);
    expect(empty.body).toMatchObject({ generation: 3, warnings: ['inventory.empty_unconfirmed'] });
    expect(await getGpu(service, first.added[2])).toMatchObject({ presence: 'present', version: 1 });
    const confirmed = await putInventory(service, node, { generation: 4, confirmEmpty: true, gpus: [] });
    expect(lists(confirmed.body)).toEqual({ ...none, missing: 3 });
  });

  it('moves GPUs between slots, and lists a slot in one spelling', async () => {
    const node = await createNode(service);
    const [a, b] = gpuInputs(2);
    const { body } = await putInventory(service, node, { generation: 1, gpus: [a, b] as object[] });
    const swapped = [
      { ...a, pciBusId: b?.pciBusId },
      { ...b, pciBusId: a?.pciBusId },
    ];
    const moved = await putInventory(service, node, { generation: 2, gpus: swapped });
    expect(moved.body.updated).toEqual(body.added);
    expect(await getGpu(service, body.added[0])).toMatchObject({ pciBusId: '00000000:02:00.0', version: 2 });
  });

  it('finds models by PCI id, by name and by alias; what nobody knows is uncatalogued and searchable', async () => {
    const node = await createNode(service);
    const unknown = `Mystery ${randomUUID()}`;
    const gpus = [
      gpuInput({ name: 'NVIDIA  RTX A4500', pciDeviceId: undefined, specs: {} }),
      gpuInput({ name: 'RTX A4500', pciDeviceId: undefined, specs: {} }),
      gpuInput({ name: 'whatever', pciDeviceId: '0x223210DE', specs: {} }),
      gpuInput({ name: unknown, pciDeviceId: undefined, specs: {} }),
    ];
    const { body } = await putInventory(service, node, { generation: 1, gpus }).expect(200);
    const models = await Promise.all(
      body.added.map(async (id: string) => (await getGpu(service, id)).modelId),
    );
    expect(models).toEqual([
      'nvidia-rtx-a4500-20gb',
      'nvidia-rtx-a4500-20gb',
      'nvidia-rtx-a4500-20gb',
      'uncatalogued',
    ]);
    const found = await service.as().get('/v1/gpus').query({ model: 'uncatalogued', q: unknown }).expect(200);
    expect(found.body.items.map((gpu: { id: string }) => gpu.id)).toEqual([body.added[3]]);
    const byAlias = await service
      .as()
      .get('/v1/gpus')
      .query({ model: 'rtx a4500', nodeId: node.id })
      .expect(200);
    expect(byAlias.body.items).toHaveLength(3);
  });

  it('may mix models on one node, each found by its own name', async () => {
    const node = await createNode(service);
    const gpus = [
      gpuInput({ name: 'NVIDIA GeForce RTX 3090', pciDeviceId: '10de:2204' }),
      gpuInput({
        name: 'NVIDIA GeForce RTX 5060 Ti',
        pciDeviceId: undefined,
        specs: { memoryTotalMb: 16_311 },
      }),
    ];
    const { body } = await putInventory(service, node, { generation: 1, gpus }).expect(200);
    for (const [index, model] of ['RTX 3090', 'RTX 5060 Ti'].entries()) {
      const found = await service.as().get('/v1/gpus').query({ model, nodeId: node.id }).expect(200);
      expect(found.body.items.map((gpu: { id: string }) => gpu.id)).toEqual([body.added[index]]);
    }
  });

  it('knows partitions by their parent, wherever in the list it stands', async () => {
    const node = await createNode(service);
    const parent = gpuInput({
      name: 'NVIDIA H100 PCIe',
      pciDeviceId: '10de:2331',
      specs: { memoryTotalMb: 81_559 },
    });
    const child = gpuInput({
      uuid: `MIG-${randomUUID()}`,
      name: 'NVIDIA H100 PCIe MIG 1g.10gb',
      pciDeviceId: '10de:2331',
      parentUuid: parent.uuid,
      specs: { memoryTotalMb: 9_856 },
    });
    const { body } = await putInventory(service, node, { generation: 1, gpus: [child, parent] }).expect(200);
    const [childId, parentId] = body.added;
    expect(await getGpu(service, childId)).toMatchObject({
      parentGpuId: parentId,
      modelId: 'nvidia-h100-pcie-80gb',
    });
    const findings = await service.sql.query('SELECT FROM inventory.finding WHERE gpu_id = $1', [childId]);
    expect(findings.rows).toEqual([]);
    const orphan = { ...child, uuid: 'MIG-2', parentUuid: 'GPU-nowhere' };
    const refused = await putInventory(service, node, { generation: 2, gpus: [parent, orphan] }).expect(400);
    expect(refused.body.errors).toEqual([{ pointer: '/gpus/1/parentUuid', detail: expect.any(String) }]);
    const nested = { ...child, uuid: 'MIG-3', parentUuid: child.uuid };
    await putInventory(service, node, { generation: 2, gpus: [parent, child, nested] }).expect(400);
    await putInventory(service, node, { generation: 2, gpus: [{ ...child, parentUuid: child.uuid }] }).expect(
      400,
    );
  });

  it('that lists one GPU twice is refused, naming the second', async () => {
    const node = await createNode(service);
    const gpu = gpuInput();
    const twice = [gpu, { ...gpu, uuid: gpu.uuid.toUpperCase() }];
    const { body } = await putInventory(service, node, { generation: 1, gpus: twice }).expect(400);
    expect(body).toMatchObject({ code: 'request.invalid', errors: [{ pointer: '/gpus/1/uuid' }] });
    const { body: node_ } = await service.as().get(`/v1/nodes/${node.id}`).expect(200);
    expect(node_.inventoryGeneration).toBeNull();
  });

  it('tells of the node itself, with a version when something is new', async () => {
    const node = await createNode(service);
    const system = { os: 'Debian 12', cpuCores: 64 };
    await putInventory(service, node, { generation: 1, gpus: [], system }).expect(200);
    await putInventory(service, node, { generation: 2, gpus: [], system }).expect(200);
    const { body } = await service.as().get(`/v1/nodes/${node.id}`).expect(200);
    expect(body).toMatchObject({ version: 2, system: { ...system, kernel: null }, inventoryGeneration: 2 });
    await putInventory(service, node, { generation: 3, gpus: [], system: { os: null } }).expect(200);
    const { body: cleared } = await service.as().get(`/v1/nodes/${node.id}`).expect(200);
    expect(cleared).toMatchObject({ version: 3, system: { os: null, cpuCores: 64 } });
  });

  it('answers 400 for nonsense, naming it', async () => {
    const node = await createNode(service);
    const bad: [object, string][] = [
      [{ specs: { memoryTotalMb: 0 } }, '/gpus/0/specs/memoryTotalMb'],
      [{ specs: { memoryTotalMb: -1 } }, '/gpus/0/specs/memoryTotalMb'],
      [{ specs: { vram: 1 } }, '/gpus/0/specs/vram'],
      [{ pciBusId: 'here' }, '/gpus/0/pciBusId'],
      [{ vendor: 'acme' }, '/gpus/0/vendor'],
      [{ uuid: '' }, '/gpus/0/uuid'],
      [{ name: '' }, '/gpus/0/name'],
      [{ pricePerHourNanoUsd: '-1' }, '/gpus/0/pricePerHourNanoUsd'],
      [{ labels: { a: 1 } }, '/gpus/0/labels/a'],
      [{ temperature: 3 }, '/gpus/0/temperature'],
    ];
    for (const [fault, pointer] of bad) {
      const { body } = await putInventory(service, node, {
        generation: 1,
        gpus: [gpuInput(fault as Record<string, unknown>)],
      }).expect(400);
      expect(body.errors).toContainEqual({ pointer, detail: expect.any(String) });
    }
    await putInventory(service, node, { generation: -1, gpus: [] }).expect(400);
    await putInventory(service, node, { generation: 2 ** 53, gpus: [] }).expect(400);
  });

  it('is the business of the node: others get 404, other roles 403, strangers 401', async () => {
    const [node, other] = [await createNode(service), await createNode(service)];
    const snapshot = { generation: 1, gpus: gpuInputs(1) };
    await putInventory(service, node, snapshot, other.key).expect(404);
    const { key } = await createProvider(service);
    const foreign = await putInventory(service, node, snapshot, key).expect(404);
    expect(foreign.body.code).toBe('node.not_found');
    await putInventory(service, node, snapshot, await createKey(service, { role: 'viewer' })).expect(403);
    await service.as(null).put(`/v1/nodes/${node.id}/inventory`).send(snapshot).expect(401);
    await putInventory(service, { ...node, id: randomUUID() }, snapshot, undefined).expect(404);
    await putInventory(service, { ...node, id: 'x' }, snapshot, undefined).expect(400);
  });
});
