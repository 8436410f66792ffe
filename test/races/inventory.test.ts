import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createNode } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInput, gpuInputs, putInventory } from '../support/gpu-inputs.ts';
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

const statuses = (replies: readonly { status: number }[]) =>
  replies.map(({ status }) => status).toSorted((a, b) => a - b);
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

describe('parallel snapshots of one node', () => {
  it('with one generation and other content: exactly one is applied', async () => {
    for (let round = 0; round < 5; round++) {
      const node = await createNode(service);
      const contents = times(4, () => gpuInputs(2));
      const replies = await Promise.all(
        contents.map((gpus) => putInventory(service, node, { generation: 1, gpus }).then((reply) => reply)),
      );
      expect(statuses(replies)).toEqual([200, 409, 409, 409]);
      const { body } = await service.as().get('/v1/gpus').query({ nodeId: node.id });
      const winner = replies.findIndex(({ status }) => status === 200);
      // Ids made within one millisecond are in no order.
      expect(body.items.map((gpu: { uuid: string }) => gpu.uuid).sort()).toEqual(
        contents[winner]?.map(({ uuid }) => uuid).sort(),
      );
    }
  });

  it('with one generation and the same content: all are answered 200, one of them adds', async () => {
    const node = await createNode(service);
    const gpus = gpuInputs(3);
    const replies = await Promise.all(
      times(6, () => putInventory(service, node, { generation: 1, gpus }).then((reply) => reply)),
    );
    expect(statuses(replies)).toEqual(times(6, () => 200));
    expect(replies.map(({ body }) => body.counts.added).toSorted()).toEqual([0, 0, 0, 0, 0, 3]);
  });

  it('with rising generations: the highest is what remains', async () => {
    const node = await createNode(service);
    const gpus = gpuInputs(6);
    await Promise.all(
      times(6, (index) =>
        putInventory(service, node, { generation: index + 1, gpus: gpus.slice(0, index + 1) }).then(
          (reply) => reply,
        ),
      ),
    );
    const { body } = await service.as().get('/v1/gpus').query({ nodeId: node.id, presence: 'present' });
    expect(body.items).toHaveLength(6);
    expect((await service.as().get(`/v1/nodes/${node.id}`)).body.inventoryGeneration).toBe(6);
  });
});

describe('the same hardware at once', () => {
  it('from two providers: one holds it, the other is refused and on record', async () => {
    for (let round = 0; round < 5; round++) {
      const nodes = [await createNode(service), await createNode(service)];
      const gpus = gpuInputs(4);
      const replies = await Promise.all(
        nodes.map((node, index) =>
          putInventory(service, node, { generation: 1, gpus: index === 0 ? gpus : gpus.toReversed() }).then(
            (r) => r,
          ),
        ),
      );
      expect(statuses(replies)).toEqual([200, 409]);
      const refused = replies.find(({ status }) => status === 409);
      expect(refused?.body).toMatchObject({ code: 'gpu.hardware_conflict' });
      expect(refused?.body.uuids).toHaveLength(4);
      const loser = nodes[replies.findIndex(({ status }) => status === 409)];
      const { rows } = await service.sql.query('SELECT FROM inventory.finding WHERE provider_id = $1', [
        loser?.providerId,
      ]);
      expect(rows).toHaveLength(4);
    }
  });

  it('from one provider, 20 times: one GPU', async () => {
    const nodes = [await createNode(service)];
    nodes.push(await createNode(service, nodes[0]?.providerId));
    const gpu = gpuInput();
    const replies = await Promise.all(
      times(20, (index) =>
        service
          .as()
          .post('/v1/gpus')
          .send({ ...gpu, nodeId: nodes[index % 2]?.id })
          .then((reply) => reply),
      ),
    );
    expect(statuses(replies)).toEqual([201, ...times(19, () => 409)]);
    expect(new Set(replies.filter(({ status }) => status === 409).map(({ body }) => body.code))).toEqual(
      new Set(['gpu.exists']),
    );
  });

  it('claimed again and again: one open finding', async () => {
    const [first, second] = [await createNode(service), await createNode(service)];
    const gpu = gpuInput();
    await createGpus(service, first, [gpu]);
    const replies = await Promise.all(
      times(10, () => putInventory(service, second, { generation: 1, gpus: [gpu] }).then((reply) => reply)),
    );
    expect(statuses(replies)).toEqual(times(10, () => 409));
    const { rows } = await service.sql.query('SELECT FROM inventory.finding WHERE provider_id = $1', [
      second.providerId,
    ]);
    expect(rows).toHaveLength(1);
  });
});

describe('one GPU changed at once', () => {
  it('by patches of one version: one wins, the others are told the version', async () => {
    const node = await createNode(service);
    const [gpu] = await createGpus(service, node, [gpuInput()]);
    const replies = await Promise.all(
      times(10, (index) =>
        service
          .as()
          .patch(`/v1/gpus/${gpu?.id}`)
          .set('if-match', '"1"')
          .send({ labels: { winner: String(index) } })
          .then((reply) => reply),
      ),
    );
    expect(statuses(replies)).toEqual([200, ...times(9, () => 412)]);
    expect((await getGpu(service, gpu?.id ?? '')).version).toBe(2);
  });

  it('by its owner and its agent: neither word is lost', async () => {
    const node = await createNode(service);
    const gpu = gpuInput();
    const { body } = await putInventory(service, node, { generation: 0, gpus: [gpu] });
    const id = body.added[0];
    await Promise.all([
      ...times(5, (index) =>
        putInventory(service, node, { generation: index + 1, gpus: [{ ...gpu, index }] }).then((r) => r),
      ),
      ...times(5, (index) =>
        service
          .as()
          .patch(`/v1/gpus/${id}`)
          .set('if-match', '*')
          .send({ labels: { [`k${index}`]: 'v' } })
          .then((r) => r),
      ),
    ]);
    const after = await getGpu(service, id);
    expect(Object.keys(after.labels)).toHaveLength(5);
    expect(after.index).toBe(4);
  });
});

describe('new GPUs while their place changes', () => {
  it('never miss a gate that closes meanwhile', async () => {
    for (let round = 0; round < 5; round++) {
      const node = await createNode(service);
      const [snapshot] = await Promise.all([
        putInventory(service, node, { generation: 1, gpus: gpuInputs(3) }).then((reply) => reply),
        service.as().post(`/v1/nodes/${node.id}/drain`).send({}).expect(200),
        service
          .as()
          .patch(`/v1/providers/${node.providerId}`)
          .set('if-match', '*')
          .send({ lifecycle: 'suspended' })
          .expect(200),
      ]);
      expect(snapshot.status).toBe(200);
      for (const id of snapshot.body.added) {
        expect((await getGpu(service, id)).unschedulableReasons).toEqual([
          'provider_not_active',
          'node_draining',
          'node_not_heard',
        ]);
      }
    }
  });
});

describe('a walk through the list', () => {
  it('meets each GPU that was there throughout once, while others come and go', async () => {
    const node = await createNode(service);
    const steady = await createGpus(service, node, gpuInputs(60));
    for (const sort of [
      'id',
      '-id',
      'createdAt',
      'name',
      '-memoryTotalMb',
      'modelId',
      'pricePerHourNanoUsd',
    ]) {
      const writers = times(5, async () => {
        const { body } = await service
          .as()
          .post('/v1/gpus')
          .send({ nodeId: node.id, ...gpuInput() });
        await service.as().delete(`/v1/gpus/${body.id}`).set('if-match', '*').expect(204);
      });
      const walked: string[] = [];
      let cursor: string | null = null;
      do {
        const query: Record<string, string | number> = { nodeId: node.id, sort, limit: 9, fields: 'id' };
        const { body }: { body: { items: { id: string }[]; nextCursor: string | null } } = await service
          .as()
          .get('/v1/gpus')
          .query(cursor === null ? query : { ...query, cursor })
          .expect(200);
        walked.push(...body.items.map(({ id }) => id));
        cursor = body.nextCursor;
      } while (cursor !== null);
      await Promise.all(writers);
      expect(new Set(walked).size).toBe(walked.length);
      expect(steady.filter(({ id }) => !walked.includes(id))).toEqual([]);
    }
  });
});
