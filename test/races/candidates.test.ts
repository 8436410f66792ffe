import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { disagreements } from '../support/agreement.ts';
import { createSweepers, setDeadline, unswept } from '../support/ledger.ts';
import { createTenant, openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(() => service.stop());

describe('parallel holds of candidates', () => {
  it('one for each of eight equal GPUs; the others find nothing', async () => {
    const { node, gpuIds, tenant } = await openNode(service, { gpus: 8 });
    const request = { count: 1, filter: { nodeId: node.id }, holdTtlS: 60 };
    const answers = await parallel(50, () => ask(tenant.key, request));
    expect(held(answers).sort()).toEqual([...gpuIds].sort());
    for (const { body } of answers)
      expect(body.candidates.flatMap(({ gpuIds: ids }: { gpuIds: string[] }) => ids)).toEqual(
        body.hold ? gpusOf(body.hold) : [],
      );
  });

  it('one for each of six GPUs at different prices, however they meet', async () => {
    const { key } = await createTenant(service);
    const mark = randomUUID();
    const gpuIds = await differentGpus(mark, 6);
    const request = { count: 1, filter: { labels: { race: mark } }, holdTtlS: 60, limit: 2 };
    const answers = await parallel(24, () => ask(key, request));
    expect(held(answers).sort()).toEqual([...gpuIds].sort());
    for (const { body } of answers)
      if (body.hold) expect(body.candidates[0].gpuIds).toEqual(gpusOf(body.hold));
  });

  it('and claims: each GPU goes to one of them', async () => {
    const { node, gpuIds, tenant } = await openNode(service, { gpus: 4 });
    const filter = { nodeId: node.id };
    const answers = await parallel(40, (at) =>
      at % 2 === 0
        ? ask(tenant.key, { count: 1, filter, holdTtlS: 60 })
        : claim(tenant.key, { request: { count: 1, filter } }),
    );
    for (const { status } of answers) expect([200, 201, 409]).toContain(status);
    const claimed = answers.flatMap(({ status, body }) => (status === 201 ? gpusOf(body) : []));
    expect([...held(answers), ...claimed].sort()).toEqual([...gpuIds].sort());
  });

  it('with one Idempotency-Key: one hold, which all are told of', async () => {
    const { node, tenant } = await openNode(service, { gpus: 4 });
    const send = () =>
      ask(tenant.key, { count: 1, filter: { nodeId: node.id }, holdTtlS: 60 }).set(
        'idempotency-key',
        node.id,
      );
    const answers = await parallel(10, send);
    const again = await parallel(5, send);
    const ids = [...answers, ...again].flatMap(({ body }) => body.hold?.id ?? []);
    expect(new Set(ids).size).toBe(1);
    for (const { status } of again) expect(status).toBe(200);
  });
});

describe('parallel requests in groups', () => {
  it('fifty for four of sixteen: four are served, whole, and nobody gets a part', async () => {
    const { node, gpuIds, tenant } = await openNode(service, { gpus: 16 });
    const request = { groups: [{ count: 2 }, { count: 2, sameNode: true }], filter: { nodeId: node.id } };
    const answers = await parallel(50, () => claim(tenant.key, { request }));
    const served = answers.filter(({ status }) => status === 201);
    expect(served.map(({ body }) => body.gpus.length)).toEqual([4, 4, 4, 4]);
    expect(new Set(served.flatMap(({ body }) => gpusOf(body))).size).toBe(gpuIds.length);
    for (const { status, body } of answers)
      if (status !== 201) expect(['gpu.unavailable', 'allocation.no_capacity']).toContain(body.code);
  });
});

describe('a hold of candidates that is over', () => {
  it('ends once, while two replicas sweep and somebody wants its GPU', async () => {
    const { node, gpuIds, tenant } = await openNode(service, { gpus: 1 });
    const request = { count: 1, filter: { nodeId: node.id }, holdTtlS: 60 };
    const [first] = await parallel(1, () => ask(tenant.key, request));
    await setDeadline(service.sql, first?.body.hold.id, -1);
    const replicas = [createSweepers(service), createSweepers(service)];
    const [again] = await Promise.all([
      ask(tenant.key, request),
      ...replicas.map(({ expiry }) => expiry.sweep()),
    ]);
    expect(gpusOf(again.body.hold)).toEqual(gpuIds);
    const { rows } = await service.sql.query(
      'SELECT type FROM inventory.change WHERE subject_id = $1 ORDER BY version',
      [first?.body.hold.id],
    );
    expect(rows.map(({ type }) => type)).toEqual(['allocation.created', 'allocation.expired']);
    await Promise.all(replicas.map(({ close }) => close()));
  });
});

it('leaves ledger, counters and allocations in agreement', async () => {
  expect(await disagreements(service.sql)).toEqual([]);
});

const ask = (key: string, body: object) => service.as(key).post('/v1/candidates').send(body);
const claim = (key: string, body: object) => service.as(key).post('/v1/allocations').send(body);

const parallel = <T>(count: number, work: (at: number) => PromiseLike<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, at) => work(at)));

interface Holder {
  gpus: { gpuId: string }[];
}

const gpusOf = ({ gpus }: Holder): string[] => gpus.map(({ gpuId }) => gpuId);
const held = (answers: readonly { body: { hold?: Holder } }[]): string[] =>
  answers.flatMap(({ body }) => (body.hold ? gpusOf(body.hold) : []));

/** So many nodes with one GPU each, no two at one price. */
async function differentGpus(mark: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let price = 1; price <= count; price++) {
    const input = { labels: { race: mark }, pricePerHourNanoUsd: String(price) };
    ids.push(...(await openNode(service, { gpus: 1, input })).gpuIds);
  }
  return ids;
}
