import { describe, expect, it } from '@jest/globals';
import { disagreements } from '../support/agreement.ts';
import { getGpu } from '../support/gpu-inputs.ts';
import { h100, rtx4090, type Shown, useMarkedFleet } from '../support/marked-fleet.ts';

const { ask, client, marked, open, service } = useMarkedFleet();

describe('groups', () => {
  it('200: no GPU serves two of them, and the one that only one can use is left to it', async () => {
    const small = await open({ gpus: 1 });
    const large = await open({ gpus: 1, input: { ...h100, pricePerHourNanoUsd: '1' } });
    const groups = [{ count: 1 }, { count: 1, filter: { minMemoryMb: 40_000 } }];
    const { body } = await ask({ groups, holdTtlS: 60 }).expect(200);
    expect(body.candidates[0].gpuIds.sort()).toEqual([...small.gpuIds, ...large.gpuIds].sort());
    expect(body.hold.gpus).toHaveLength(2);
    expect(body.hold.request.groups).toEqual(groups);
  });

  it('200: what stands beside them holds for all', async () => {
    await open({ gpus: 3 });
    const { node } = await open({ gpus: 4, input: { ...rtx4090, pricePerHourNanoUsd: '900000000' } });
    const groups = [{ count: 2 }, { count: 2 }];
    const { body } = await ask({ groups, sameNode: true }).expect(200);
    expect(body.candidates.map(({ classes }: Shown) => classes)).toEqual([
      [{ modelId: 'nvidia-rtx-4090-24gb', nodeId: node.id, count: 4, available: 4 }],
    ]);
    expect((await ask({ groups, count: 4, sameNode: true }).expect(200)).body).toEqual(body);
  });

  it('200: each may have its own restrictions', async () => {
    const pair = await open({ gpus: 2, input: { ...rtx4090, pricePerHourNanoUsd: '5' } });
    const alone = await open({ gpus: 1, input: { ...rtx4090, pricePerHourNanoUsd: '1' } });
    const { body } = await ask({ groups: [{ count: 1 }, { count: 2, sameNode: true }] }).expect(200);
    expect(body.candidates[0].gpuIds.sort()).toEqual([...pair.gpuIds, ...alone.gpuIds].sort());
  });

  it('200: a node with 16 GPUs in eight groups is one candidate', async () => {
    await open({ gpus: 16 });
    const groups = Array.from({ length: 8 }, () => ({ count: 2, sameNode: true }));
    const { body } = await ask({ groups, limit: 100 }).expect(200);
    expect(body.candidates.map(({ classes: [only] }: Shown) => [only?.count, only?.available])).toEqual([
      [16, 16],
    ]);
  });

  it('201: an allocation takes all of them or none', async () => {
    const { gpuIds } = await open({ gpus: 3 });
    const groups = [{ count: 2, sameNode: true }, { count: 1 }];
    const claim = (request: { groups: object[] }) =>
      client()
        .post('/v1/allocations')
        .send({ request: marked(request) });
    const { body } = await claim({ groups: [...groups, { count: 1 }] }).expect(409);
    expect(body.code).toBe('allocation.no_capacity');
    expect(await getGpu(service(), gpuIds[0] as string)).toMatchObject({ allocationState: 'free' });
    const { body: made } = await claim({ groups }).expect(201);
    expect(made.gpus).toHaveLength(3);
    expect(made.request).toMatchObject(marked({ groups }));
  });
});

it('leaves ledger, counters, versions and change rows in agreement', async () => {
  expect(await disagreements(service().sql)).toEqual([]);
});
