import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { disagreements } from '../support/agreement.ts';
import { unswept } from '../support/ledger.ts';
import { outcome, type Reply, tally } from '../support/outcomes.ts';
import { openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(async () => {
  expect(await disagreements(service.sql)).toEqual([]);
  await service.stop();
});

describe('moves that cross', () => {
  it('to each other’s GPUs are both refused, round after round: nobody can give what the other waits for', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 2 });
    const [one, two] = await Promise.all(gpuIds.map((gpuId) => claim(tenant.key, [gpuId])));
    for (let round = 0; round < 10; round++) {
      const replies = await Promise.all([
        move(tenant.key, one, [gpuIds[1]]),
        move(tenant.key, two, [gpuIds[0]]),
      ]);
      expect(replies.map(outcome)).toEqual(['409 gpu.unavailable', '409 gpu.unavailable']);
    }
  });

  it('to one free GPU are won by one', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 9 });
    const [free, ...own] = gpuIds as [string, ...string[]];
    const jobs = await Promise.all(own.map((gpuId) => claim(tenant.key, [gpuId])));
    const replies = await Promise.all(jobs.map((job) => move(tenant.key, job, [free])));
    expect(tally(replies)).toEqual({ '200': 1, '409 gpu.unavailable': 7 });
  });

  it('in a chain: the last always gets the free one, the others what was given back before them or nothing', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 5 });
    const jobs = await Promise.all(gpuIds.slice(0, 4).map((gpuId) => claim(tenant.key, [gpuId])));
    const replies = await Promise.all(jobs.map((job, at) => move(tenant.key, job, [gpuIds[at + 1]])));
    expect(outcome(replies[3] as Reply)).toBe('200');
    for (const reply of replies) expect(['200', '409 gpu.unavailable']).toContain(outcome(reply));
    const held = await Promise.all(jobs.map((job) => gpusOf(tenant.key, job)));
    expect(new Set(held.flat()).size).toBe(4);
    replies.forEach((reply, at) => {
      expect(held[at]).toEqual([gpuIds[outcome(reply) === '200' ? at + 1 : at]]);
    });
  });

  it('of one allocation and one version are won by one, the others are told that it moved on', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 6 });
    const job = await claim(tenant.key, gpuIds.slice(0, 1));
    const replies = await Promise.all(
      gpuIds.slice(1).map((gpuId) => move(tenant.key, job, [gpuId]).set('if-match', '"1"')),
    );
    expect(tally(replies)).toEqual({ '200': 1, '412 request.version_conflict': 4 });
  });

  it('of one allocation without a version all succeed, one after another', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 4 });
    const job = await claim(tenant.key, gpuIds.slice(0, 1));
    const replies = await Promise.all(gpuIds.slice(1).map((gpuId) => move(tenant.key, job, [gpuId])));
    expect(tally(replies)).toEqual({ '200': 3 });
    expect(await gpusOf(tenant.key, job)).toHaveLength(1);
  });

  it('in any direction over sixteen GPUs give none out twice, and show no deadlock', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 16 });
    const jobs = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((at) => claim(tenant.key, gpuIds.slice(at * 2, at * 2 + 2))),
    );
    const replies = await Promise.all(
      Array.from({ length: 60 }, (_, at) => {
        const wanted = [0, 5].map((step) => gpuIds[(at * 7 + step) % 16]);
        return move(tenant.key, jobs[at % 6] as string, at % 2 ? wanted : wanted.reverse());
      }),
    );
    for (const reply of replies) expect(['200', '409 gpu.unavailable']).toContain(outcome(reply));
    const held = (await Promise.all(jobs.map((job) => gpusOf(tenant.key, job)))).flat();
    expect([held.length, new Set(held).size]).toEqual([12, 12]);
  });
});

describe('moves and what else happens to the same allocation', () => {
  it.each([
    ['its release', 'release', {}, 'released'],
    ['a later end of its hold', 'extend', { holdTtlS: 600 }, 'held'],
    ['its confirmation', 'confirm', {}, 'active'],
  ])(
    '%s come in some order: no GPU is left behind',
    async (_what, action, body, state) => {
      const { gpuIds, tenant } = await openNode(service, { gpus: 6 });
      const client = service.as(tenant.key);
      for (let round = 0; round < 12; round++) {
        const held = { gpuIds: gpuIds.slice(0, 2), holdTtlS: 60 };
        const { id } = (await client.post('/v1/allocations').send(held).expect(201)).body;
        const moves = [
          [gpuIds[2], gpuIds[3]],
          [gpuIds[1], gpuIds[4], gpuIds[5]],
        ].map((wanted) => move(tenant.key, id, wanted));
        const acted = client.post(`/v1/allocations/${id}/${action}`).send(body);
        const replies = await Promise.all([...moves, acted]);
        expect(outcome(replies[2] as Reply)).toBe('200');
        for (const reply of replies)
          expect(['200', '409 allocation.illegal_transition']).toContain(outcome(reply));
        const seen = (await client.get(`/v1/allocations/${id}`).expect(200)).body;
        expect(seen.state).toBe(state);
        expect(await disagreements(service.sql)).toEqual([]);
        await client.post(`/v1/allocations/${id}/release`).expect(200);
        for (const gpuId of gpuIds) {
          const { body: gpu } = await client.get(`/v1/gpus/${gpuId}`).expect(200);
          expect(gpu.allocationState).toBe('free');
        }
      }
    },
    60_000,
  );
});

async function claim(key: string, gpuIds: string[]): Promise<string> {
  return (await service.as(key).post('/v1/allocations').send({ gpuIds }).expect(201)).body.id;
}

const move = (key: string, id: string | undefined, gpuIds: (string | undefined)[]) =>
  service.as(key).post(`/v1/allocations/${id}/move`).send({ gpuIds });

const gpusOf = async (key: string, id: string): Promise<string[]> =>
  (await service.as(key).get(`/v1/allocations/${id}`).expect(200)).body.gpus.map(
    ({ gpuId }: { gpuId: string }) => gpuId,
  );
