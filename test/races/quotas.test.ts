import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createSweepers, quotaFaults, setDeadline, unswept } from '../support/ledger.ts';
import { parallel, tally } from '../support/outcomes.ts';
import { createTenant, openNode, type TestTenant } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(async () => {
  expect(await quotaFaults(service.sql)).toEqual([]);
  await service.stop();
});

describe('fifty parallel claims of a tenant that may have ten GPUs', () => {
  it.each([
    ['by id, one each', { maxGpus: 10 }, 1, 10],
    ['by id, on hold', { maxHeldGpus: 10 }, 1, 10],
    ['by id, three each', { maxGpus: 10 }, 3, 3],
    ['by price', { maxPricePerHourNanoUsd: '1000' }, 1, 10],
    ['by memory', { maxMemoryMb: 10 * 24_564 }, 1, 10],
  ])('%s: exactly as many as fit', async (_what, quotas, each, winners) => {
    const { gpuIds } = await openNode(service, { gpus: 50 * each, input });
    const tenant = await createTenant(service, quotas);
    const replies = await parallel(50, (at) =>
      claim(tenant, {
        gpuIds: gpuIds.slice(at * each, (at + 1) * each),
        ...('maxHeldGpus' in quotas && { holdTtlS: 60 }),
      }),
    );
    expect(tally(replies)).toEqual({ '201': winners, '409 allocation.quota_exceeded': 50 - winners });
    expect(await liveGpus(tenant)).toBe(winners * each);
  });

  it('or twenty by request: exactly ten', async () => {
    const { node } = await openNode(service, { gpus: 20, input });
    const tenant = await createTenant(service, { maxGpus: 10 });
    const request = { count: 1, filter: { nodeId: node.id } };
    const replies = await parallel(20, () => claim(tenant, { request }));
    expect(tally(replies)).toEqual({ '201': 10, '409 allocation.quota_exceeded': 10 });
    expect(await liveGpus(tenant)).toBe(10);
  });

  it('while what it had is released and expires: never more than ten, and ten can be had in the end', async () => {
    const { gpuIds } = await openNode(service, { gpus: 60, input });
    const tenant = await createTenant(service, { maxGpus: 10 });
    const held = await parallel(10, (at) => claim(tenant, { gpuIds: [gpuIds[50 + at]], holdTtlS: 60 }));
    const { expiry, close } = createSweepers(service);
    const [replies] = await Promise.all([
      parallel(50, (at) => claim(tenant, { gpuIds: [gpuIds[at]] })),
      parallel(10, async (at) => {
        if (at % 2 === 0) return act(tenant, held[at]?.body.id, 'release');
        await setDeadline(service.sql, held[at]?.body.id, -1);
        return expiry.sweep();
      }),
    ]);
    await close();
    const { '201': winners = 0, ...others } = tally(replies);
    expect(others).toEqual({ '409 allocation.quota_exceeded': 50 - winners });
    expect(winners).toBeLessThanOrEqual(10);
    const rest = await parallel(50, (at) => claim(tenant, { gpuIds: [gpuIds[at]] }));
    expect(tally(rest)['201'] ?? 0).toBe(10 - winners);
    expect(await liveGpus(tenant)).toBe(10);
  });
});

describe('quotas that come and go under claims, confirmations and releases', () => {
  it('count what there is', async () => {
    const { gpuIds } = await openNode(service, { gpus: 32, input });
    const tenant = await createTenant(service);
    const lanes = parallel(8, async (lane) => {
      for (let step = 0; step < 12; step++) {
        const { body, status } = await claim(tenant, {
          gpuIds: gpuIds.slice(lane * 4, lane * 4 + 2),
          holdTtlS: 60,
        });
        expect(status).toBe(201);
        if (step % 2 === 0) expect((await act(tenant, body.id, 'confirm')).status).toBe(200);
        if (step < 11) expect((await act(tenant, body.id, 'release')).status).toBe(200);
      }
    });
    const changes = (async () => {
      for (let round = 0; round < 10; round++) {
        for (const quotas of [{ maxGpus: 100 }, null])
          expect([200, 409]).toContain((await limit(tenant, quotas)).status);
      }
      await limit(tenant, { maxGpus: 100 });
    })();
    await Promise.all([lanes, changes]);
    await limit(tenant, { maxGpus: 100 });
    expect(await quotaFaults(service.sql)).toEqual([]);
    expect(await liveGpus(tenant)).toBe(16);
  });
});

describe('two tenants whose allocations end together', () => {
  it('give back all of it, each once, whoever sweeps', async () => {
    const { gpuIds } = await openNode(service, { gpus: 40, input });
    const tenants = [
      await createTenant(service, { maxGpus: 50 }),
      await createTenant(service, { maxGpus: 50 }),
    ];
    const holds = await parallel(40, (at) =>
      claim(tenants[at % 2] as TestTenant, { gpuIds: [gpuIds[at]], holdTtlS: 60 }),
    );
    await Promise.all(holds.map(({ body }) => setDeadline(service.sql, body.id, -1)));
    const replicas = [createSweepers(service), createSweepers(service), createSweepers(service)];
    const ended = await Promise.all(replicas.map(({ expiry }) => expiry.sweep()));
    const rest = await replicas[0]?.expiry.sweep('wait');
    expect(ended.reduce((sum, count) => sum + count, rest ?? 0)).toBe(40);
    await Promise.all(replicas.map(({ close }) => close()));
    for (const tenant of tenants) expect(await liveGpus(tenant)).toBe(0);
  });
});

const input = { specs: { memoryTotalMb: 24_564 }, pricePerHourNanoUsd: '100' };

const claim = ({ key }: TestTenant, body: object) => service.as(key).post('/v1/allocations').send(body);
const act = ({ key }: TestTenant, id: string, action: string) =>
  service.as(key).post(`/v1/allocations/${id}/${action}`);
const limit = ({ id }: TestTenant, quotas: object | null) =>
  service.as().patch(`/v1/tenants/${id}`).set('if-match', '*').send({ quotas });

async function liveGpus({ id }: TestTenant): Promise<number> {
  const { rows } = await service.sql.query(
    `SELECT count(*)::int AS n FROM inventory.allocation_gpu l JOIN inventory.allocation a ON a.id = l.allocation_id
      WHERE a.tenant_id = $1 AND l.released_at IS NULL`,
    [id],
  );
  return rows[0].n;
}
