import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { disagreements } from '../support/agreement.ts';
import { changesAfter, lastChange } from '../support/changes.ts';
import { createKey, createProvider } from '../support/fleet.ts';
import { inOrder, setDeadline } from '../support/ledger.ts';
import { h100, rtx4090, type Shown, useMarkedFleet } from '../support/marked-fleet.ts';
import { createTenant } from '../support/schedulable.ts';

const { ask, client, mark, marked, open, service, tenant } = useMarkedFleet();

describe('POST /v1/candidates', () => {
  it('200: 16 equal GPUs of a node are one class, and one candidate', async () => {
    const { node, gpuIds } = await open({ gpus: 16 });
    const { body } = await ask({ count: 6, sameNode: true, limit: 100 }).expect(200);
    expect(body).toEqual({
      candidates: [
        {
          classes: [{ modelId: 'nvidia-rtx-4090-24gb', nodeId: node.id, count: 6, available: 16 }],
          gpuIds: gpuIds.slice(0, 6),
          score: expect.any(Number),
          scoreTerms: { price: -6e8, surplusMemoryMb: expect.any(Number), freeOnNode: expect.any(Number) },
        },
      ],
    });
  });

  it('200: every division of two classes, and no more', async () => {
    await open({ gpus: 4 });
    await open({ gpus: 3, input: { ...rtx4090, pricePerHourNanoUsd: '200000000' } });
    const { body } = await ask({ count: 3, limit: 100 }).expect(200);
    expect(body.candidates.map(countsOf)).toEqual([[3], [2, 1], [1, 2], [3]]);
    expect(body.candidates.map(availableOf)).toEqual([[4], [4, 3], [4, 3], [3]]);
  });

  it('200: shows the best ones first, up to the limit, in the same order each time', async () => {
    for (const price of ['300', '100', '200', '400'])
      await open({ gpus: 1, input: { ...rtx4090, pricePerHourNanoUsd: price } });
    const { body } = await ask({ count: 1, limit: 3 }).expect(200);
    expect(body.candidates.map(({ scoreTerms }: Shown) => scoreTerms.price)).toEqual([-100, -200, -300]);
    expect((await ask({ count: 1, limit: 3 }).expect(200)).body).toEqual(body);
  });

  it('200: what does not fit is explained', async () => {
    await open({ gpus: 2 });
    const { body } = await ask({ count: 3, sameNode: true }).expect(200);
    expect(body.candidates).toEqual([]);
    expect(body.explain.filters.map(({ filter }: { filter: string }) => filter)).toEqual([
      'schedulable',
      'free',
      'labels',
      'sameNode',
    ]);
    expect(body.explain.filters.at(-1)).toMatchObject({ removed: { gpus: 2, nodes: 1, providers: 1 } });
  });

  it('200: what fits is explained where asked', async () => {
    await open({ gpus: 2 });
    expect((await ask({ count: 1 }).expect(200)).body.explain).toBeUndefined();
    const { body } = await ask({ count: 1, explain: true, holdTtlS: 60 }).expect(200);
    expect(body.hold.gpus).toHaveLength(1);
    expect(body.explain.filters.at(-1)).toMatchObject({ filter: 'labels', remaining: { gpus: 2 } });
  });

  it('200: of groups, the first that would not be served by itself is explained', async () => {
    await open({ gpus: 2 });
    const groups = [{ count: 1 }, { count: 1, filter: { minMemoryMb: 40_000 } }];
    const { body } = await ask({ groups }).expect(200);
    expect(body.explain.filters.at(-1)).toMatchObject({
      filter: 'minMemoryMb',
      value: 40_000,
      remaining: { gpus: 0 },
      ifDropped: { gpus: 2 },
    });
    const claim = await client()
      .post('/v1/allocations')
      .send({ request: marked({ groups }) })
      .expect(409);
    expect(claim.body).toMatchObject({
      code: 'allocation.no_capacity',
      explain: { filters: body.explain.filters },
    });
  });

  it('200: neither taken nor unschedulable GPUs are among them, nor ones with a warning where asked', async () => {
    const { gpuIds } = await open({ gpus: 4 });
    const [failed, warned, taken, free] = gpuIds as [string, string, string, string];
    await check(failed, 'failed');
    await check(warned, 'warning');
    await client()
      .post('/v1/allocations')
      .send({ gpuIds: [taken] })
      .expect(201);
    const { body: any } = await ask({ count: 1 }).expect(200);
    expect(any.candidates.flatMap(({ gpuIds: ids }: Shown) => ids).sort()).toEqual([warned, free].sort());
    const { body: clean } = await ask({ count: 1, excludeWarnings: true }).expect(200);
    expect(clean.candidates.map(({ gpuIds: ids }: Shown) => ids)).toEqual([[free]]);
    expect((await ask({ count: 2, excludeWarnings: true }).expect(200)).body.candidates).toEqual([]);
  });

  it('200: a GPU is free again by the clock, swept or not', async () => {
    const { gpuIds } = await open({ gpus: 1 });
    const { body: held } = await client().post('/v1/allocations').send({ gpuIds, holdTtlS: 60 }).expect(201);
    expect((await ask({ count: 1 }).expect(200)).body.candidates).toEqual([]);
    await setDeadline(service().sql, held.id, -1);
    expect((await ask({ count: 1 }).expect(200)).body.candidates).toHaveLength(1);
  });

  it('200: a small ask never takes a large GPU while a smaller one that fits is free', async () => {
    const large = await open({ gpus: 1, input: h100 });
    const small = await open({ gpus: 2 });
    const request = { count: 1, objective: 'best_fit', filter: { minMemoryMb: 4096 } };
    const { body } = await ask(request).expect(200);
    expect(body.candidates.map(({ gpuIds }: Shown) => gpuIds)).toEqual([
      small.gpuIds.slice(0, 1),
      large.gpuIds,
    ]);
    expect(body.candidates.map(({ scoreTerms }: Shown) => scoreTerms.surplusMemoryMb)).toEqual([
      4096 - 24_564,
      4096 - 81_559,
    ]);
  });

  it('200: looks as far as it takes where the cheapest are all equal', async () => {
    await open({ gpus: 80 });
    const dear = await open({ gpus: 1, input: { ...rtx4090, pricePerHourNanoUsd: '900000000' } });
    const { body } = await ask({ count: 1, limit: 2 }).expect(200);
    expect(body.candidates.map(availableOf)).toEqual([[80], [1]]);
    expect(body.candidates[1].gpuIds).toEqual(dear.gpuIds);
  });

  it('200: counts all of a class of which it looked at some', async () => {
    const { id: providerId } = await createProvider(service());
    for (let node = 0; node < 3; node++) await open({ providerId, gpus: 60 });
    for (let price = 1; price < 4; price++)
      await open({ gpus: 30, input: { ...rtx4090, pricePerHourNanoUsd: String(2e8 + price) } });
    const { body } = await ask({ count: 1, limit: 1 }).expect(200);
    expect(body.candidates.map(availableOf)).toEqual([[180]]);
  });

  it('200: an operator asks as well, for whomever', async () => {
    await open({ gpus: 1 });
    const { body } = await service()
      .as()
      .post('/v1/candidates')
      .send(marked({ count: 1 }))
      .expect(200);
    expect(body.candidates).toHaveLength(1);
    await service()
      .as()
      .post('/v1/candidates')
      .send({ ...marked({ count: 1 }), tenantId: tenant().id })
      .expect(200);
  });

  it.each([
    ['there is neither count nor groups', {}, '/count'],
    ['count is 0', { count: 0 }, '/count'],
    ['count is over 1,000', { count: 1001 }, '/count'],
    ['limit is 0', { count: 1, limit: 0 }, '/limit'],
    ['limit is over 100', { count: 1, limit: 101 }, '/limit'],
    ['holdTtlS is over a day', { count: 1, holdTtlS: 86_401 }, '/holdTtlS'],
    ['durationS is 0', { count: 1, durationS: 0 }, '/durationS'],
    ['a field is unknown', { count: 1, priority: 1 }, '/priority'],
    ['a filter is unknown', { count: 1, filter: { vram: 1 } }, '/filter/vram'],
    ['the objective is unknown', { count: 1, objective: 'best' }, '/objective'],
    ['a tenant names one', { count: 1, tenantId: randomUUID() }, '/tenantId'],
    ['there are no groups', { groups: [] }, '/groups'],
    ['there are 17', { groups: Array.from({ length: 17 }, () => ({ count: 1 })) }, '/groups'],
    ['they ask for too many', { groups: [{ count: 600 }, { count: 401 }] }, '/groups'],
    ['a group has no count', { groups: [{}] }, '/groups/0/count'],
    [
      'a filter of a group is unknown',
      { groups: [{ count: 1, filter: { vram: 1 } }] },
      '/groups/0/filter/vram',
    ],
    ['count is not their sum', { count: 3, groups: [{ count: 1 }] }, '/count'],
    [
      'distinctProviders stands beside groups',
      { distinctProviders: true, groups: [{ count: 1 }] },
      '/distinctProviders',
    ],
    ['neither it nor an alternative has a count', { alternatives: [{}] }, '/count'],
    [
      'a filter of an alternative is unknown',
      { count: 1, alternatives: [{ count: 1, filter: { vram: 1 } }] },
      '/alternatives/0/filter/vram',
    ],
    [
      'alternatives have alternatives',
      { count: 1, alternatives: [{ count: 1, alternatives: [] }] },
      '/alternatives/0/alternatives',
    ],
  ])('400: %s', async (_what, body, pointer) => {
    const refused = await client().post('/v1/candidates').send(body).expect(400);
    expect(refused.body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  });

  it('400: an operator that holds names no tenant', async () => {
    const { body } = await service().as().post('/v1/candidates').send({ count: 1, holdTtlS: 60 }).expect(400);
    expect(body.errors[0].pointer).toBe('/tenantId');
  });

  it('403: only tenants and operators ask', async () => {
    const { node } = await open({ gpus: 1 });
    const others = [
      node.key,
      await createKey(service(), { role: 'provider', providerId: node.providerId }),
      await createKey(service(), { role: 'verifier' }),
      await createKey(service(), { role: 'viewer' }),
    ];
    for (const key of others) await service().as(key).post('/v1/candidates').send({ count: 1 }).expect(403);
  });

  it('403: a key that may only look does not hold', async () => {
    await open({ gpus: 1 });
    const scopes = ['candidates:find'];
    const looking = await service()
      .as()
      .post('/v1/api-keys')
      .send({ name: 'looking', role: 'tenant', tenantId: tenant().id, scopes })
      .expect(201);
    const send = (request: object) => service().as(looking.body.key).post('/v1/candidates').send(request);
    await send(marked({ count: 1 })).expect(200);
    const refused = await send(marked({ count: 1, holdTtlS: 60 })).expect(403);
    expect(refused.body.code).toBe('auth.out_of_scope');
  });

  it('404: the tenant that an operator holds for is unknown', async () => {
    await open({ gpus: 1 });
    const request = { ...marked({ count: 1 }), holdTtlS: 60, tenantId: randomUUID() };
    const { body } = await service().as().post('/v1/candidates').send(request).expect(404);
    expect(body.code).toBe('tenant.not_found');
  });
});

describe('POST /v1/candidates with holdTtlS', () => {
  it('200: holds the first candidate, and nobody else can have it', async () => {
    const { gpuIds } = await open({ gpus: 3 });
    const before = await lastChange(service().sql);
    const { body } = await ask({ count: 2, holdTtlS: 60, durationS: 600, purpose: 'render' }).expect(200);
    expect(body.hold).toMatchObject({
      tenantId: tenant().id,
      state: 'held',
      holdTtlS: 60,
      durationS: 600,
      purpose: 'render',
      request: marked({ count: 2 }),
      version: 1,
    });
    expect(await inOrder(service().sql, body.hold)).toEqual(gpuIds.slice(0, 2));
    expect(body.candidates[0].gpuIds).toEqual(gpuIds.slice(0, 2));
    expect(await changesAfter(service().sql, before)).toEqual(['allocation.created', 'gpu.held', 'gpu.held']);
    const other = service().as((await createTenant(service())).key);
    const refused = await other
      .post('/v1/allocations')
      .send({ gpuIds: [gpuIds[1]] })
      .expect(409);
    expect(refused.body).toMatchObject({ code: 'gpu.unavailable', gpuIds: [gpuIds[1]] });
    const shown = await client().get(`/v1/allocations/${body.hold.id}`).expect(200);
    expect(shown.body).toEqual(body.hold);
  });

  it('200: nothing fits, nothing is held', async () => {
    await open({ gpus: 1 });
    const before = await lastChange(service().sql);
    const { body } = await ask({ count: 2, holdTtlS: 60 }).expect(200);
    expect(body).toEqual({ candidates: [], explain: expect.any(Object) });
    expect(await changesAfter(service().sql, before)).toEqual([]);
  });

  it('200: an operator holds for the tenant that it names', async () => {
    await open({ gpus: 1 });
    const request = { ...marked({ count: 1 }), holdTtlS: 60, tenantId: tenant().id };
    const { body } = await service().as().post('/v1/candidates').send(request).expect(200);
    expect(body.hold.tenantId).toBe(tenant().id);
    await client().post(`/v1/allocations/${body.hold.id}/confirm`).expect(200);
  });

  it('200: with an Idempotency-Key the hold is made once, and told of again', async () => {
    await open({ gpus: 2 });
    const send = () => ask({ count: 1, holdTtlS: 60 }).set('idempotency-key', mark());
    const first = await send().expect(200);
    const again = await send().expect(200);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    await ask({ count: 2, holdTtlS: 60 }).set('idempotency-key', mark()).expect(422);
    expect((await ask({ count: 1 }).expect(200)).body.candidates[0].classes[0].available).toBe(1);
  });

  it('200: a no is told of again as well, though there is something by then', async () => {
    const send = () => ask({ count: 1, holdTtlS: 60 }).set('idempotency-key', mark());
    const { body: no } = await send().expect(200);
    expect(no.candidates).toEqual([]);
    await open({ gpus: 1 });
    expect((await send().expect(200)).body).toEqual(no);
  });

  it('200: takes a GPU whose hold is over', async () => {
    const { gpuIds } = await open({ gpus: 1 });
    const { body: first } = await ask({ count: 1, holdTtlS: 60 }).expect(200);
    await setDeadline(service().sql, first.hold.id, -1);
    const { body: second } = await ask({ count: 1, holdTtlS: 60 }).expect(200);
    expect(second.hold.gpus[0].gpuId).toBe(gpuIds[0]);
    const { body: ended } = await client().get(`/v1/allocations/${first.hold.id}`).expect(200);
    expect(ended).toMatchObject({ state: 'expired', endReason: 'hold_expired', version: 2 });
  });
});

describe('what the clock says', () => {
  it('200: a node whose maintenance falls into the planned duration is left out', async () => {
    const { node } = await open({ gpus: 1 });
    const ahead = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    await service()
      .as()
      .post('/v1/maintenance-windows')
      .send({ nodeId: node.id, kind: 'planned', startsAt: ahead(2), endsAt: ahead(3) })
      .expect(201);
    const found = async (request: Record<string, unknown>) =>
      (await ask({ count: 1, ...request }).expect(200)).body.candidates.length;
    expect(await found({ durationS: 3600 })).toBe(1);
    expect(await found({ durationS: 3 * 3600 })).toBe(0);
    expect(await found({})).toBe(1);
  });
});

it('leaves ledger, counters, versions and change rows in agreement', async () => {
  expect(await disagreements(service().sql)).toEqual([]);
});

const countsOf = ({ classes }: Shown) => classes.map(({ count }) => count);
const availableOf = ({ classes }: Shown) => classes.map(({ available }) => available);

const check = (gpuId: string, outcome: string) =>
  service().as().post('/v1/health-checks').send({ gpuId, check: 'memtest', outcome }).expect(201);
