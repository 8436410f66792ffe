import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { changesAfter, lastChange, versionFaults } from '../support/changes.ts';
import { createKey, type TestNode } from '../support/fleet.ts';
import { getGpu } from '../support/gpu-inputs.ts';
import { allocationFaults, ledgerFaults, setDeadline, unswept } from '../support/ledger.ts';
import { createTenant, openNode, type TestTenant } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let tenant: TestTenant;
let client: Client;
let gpuIds: string[];
let node: TestNode;
let nodeId: string;

beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(() => service.stop());
beforeEach(async () => {
  const open = await openNode(service, { gpus: 3, input: { pricePerHourNanoUsd: '250000000' } });
  ({ tenant, gpuIds, node } = open);
  nodeId = node.id;
  client = service.as(tenant.key);
});

describe('POST /v1/allocations with gpuIds', () => {
  it('201: allocates exactly these GPUs, at their price of that moment', async () => {
    const { body, headers } = await claim({
      gpuIds: gpuIds.slice(0, 2),
      purpose: 'render',
      durationS: 600,
    }).expect(201);
    expect(headers).toMatchObject({ etag: '"1"', location: `/v1/allocations/${body.id}` });
    expect(body).toMatchObject({
      tenantId: tenant.id,
      state: 'active',
      request: null,
      purpose: 'render',
      pricePerHourNanoUsd: '500000000',
      holdTtlS: null,
      durationS: 600,
      heldUntil: null,
      activatedAt: body.createdAt,
      releasedAt: null,
      endReason: null,
      version: 1,
    });
    expect(seconds(body.createdAt, body.expiresAt)).toBe(600);
    expect(body.gpus).toEqual(
      gpuIds.slice(0, 2).map((gpuId) => ({
        gpuId,
        nodeId,
        providerId: expect.any(String),
        share: 1000,
        pricePerHourNanoUsd: '250000000',
      })),
    );
    expect(await getGpu(service, gpuIds[0] as string)).toMatchObject({
      allocationState: 'allocated',
      isAllocated: true,
    });
    expect(await getGpu(service, gpuIds[2] as string)).toMatchObject({
      allocationState: 'free',
      isAllocated: false,
    });
  });

  it('201: holds them with holdTtlS', async () => {
    const { body } = await claim({ gpuIds, holdTtlS: 60, durationS: 600 }).expect(201);
    expect(body).toMatchObject({ state: 'held', activatedAt: null, expiresAt: null });
    expect(seconds(body.createdAt, body.heldUntil)).toBe(60);
    expect(await getGpu(service, gpuIds[0] as string)).toMatchObject({
      allocationState: 'held',
      isAllocated: true,
    });
  });

  it('201: records one change for the allocation and one for each GPU', async () => {
    const before = await lastChange(service.sql);
    await claim({ gpuIds: gpuIds.slice(0, 2) }).expect(201);
    expect(await changesAfter(service.sql, before)).toEqual([
      'allocation.created',
      'gpu.allocated',
      'gpu.allocated',
    ]);
  });

  it('201: an unpriced GPU can be claimed; the price of the whole is unknown then', async () => {
    const unpriced = await openNode(service, { gpus: 1 });
    const { body } = await claim({ gpuIds: [gpuIds[0], unpriced.gpuIds[0]] }).expect(201);
    expect(body.pricePerHourNanoUsd).toBeNull();
  });

  it('201: shares one GPU between tenants up to the whole of it', async () => {
    const [gpuId] = gpuIds;
    const { body } = await claim({ gpuIds: [gpuId], share: 600 }).expect(201);
    expect(body).toMatchObject({ pricePerHourNanoUsd: '150000000', gpus: [{ gpuId, share: 600 }] });
    const other = service.as((await createTenant(service)).key);
    const refused = await other
      .post('/v1/allocations')
      .send({ gpuIds: [gpuId], share: 401 })
      .expect(409);
    expect(refused.body).toMatchObject({ code: 'gpu.unavailable', gpuIds: [gpuId] });
    await other
      .post('/v1/allocations')
      .send({ gpuIds: [gpuId], share: 400 })
      .expect(201);
    await claim({ gpuIds: [gpuId] }).expect(409);
  });

  it('201: an operator allocates for the tenant that it names', async () => {
    const { body } = await service
      .as()
      .post('/v1/allocations')
      .send({ gpuIds, tenantId: tenant.id })
      .expect(201);
    expect(body.tenantId).toBe(tenant.id);
  });

  it('201: takes a GPU whose hold is over, whether or not anybody has swept it', async () => {
    const { body: hold } = await claim({ gpuIds, holdTtlS: 60 }).expect(201);
    await setDeadline(service.sql, hold.id, -1);
    const other = await createTenant(service);
    await service.as(other.key).post('/v1/allocations').send({ gpuIds }).expect(201);
    expect((await read(hold.id)).body).toMatchObject({
      state: 'expired',
      endReason: 'hold_expired',
      version: 2,
    });
  });

  it.each([
    ['an operator names no tenant', () => service.as(), { gpuIds: [randomUUID()] }, '/tenantId'],
    ['a tenant names one', () => client, { gpuIds: [randomUUID()], tenantId: randomUUID() }, '/tenantId'],
    ['there are neither gpuIds nor request', () => client, {}, '/gpuIds'],
    ['there are both', () => client, { gpuIds: [randomUUID()], request: { count: 1 } }, '/gpuIds'],
    ['gpuIds is empty', () => client, { gpuIds: [] }, '/gpuIds'],
    ['an id is none', () => client, { gpuIds: ['gpu-1'] }, '/gpuIds/0'],
    ['holdTtlS is 0', () => client, { gpuIds: [randomUUID()], holdTtlS: 0 }, '/holdTtlS'],
    [
      'durationS is over a year',
      () => client,
      { gpuIds: [randomUUID()], durationS: 31_536_001 },
      '/durationS',
    ],
    ['share is over the whole', () => client, { gpuIds: [randomUUID()], share: 1001 }, '/share'],
    ['groups want shares', () => client, { request: { groups: [{ count: 1 }] }, share: 500 }, '/share'],
    ['count is 0', () => client, { request: { count: 0 } }, '/request/count'],
    [
      'a filter is unknown',
      () => client,
      { request: { count: 1, filter: { vram: 1 } } },
      '/request/filter/vram',
    ],
    [
      'the objective is unknown',
      () => client,
      { request: { count: 1, objective: 'best' } },
      '/request/objective',
    ],
    ['a field is unknown', () => client, { request: { count: 1 }, priority: 1 }, '/priority'],
  ])('400: %s', async (_what, as, body, pointer) => {
    const refused = await as().post('/v1/allocations').send(body).expect(400);
    expect(refused.body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  });

  it('400: an id is there twice', async () => {
    await claim({ gpuIds: [gpuIds[0], gpuIds[0]] }).expect(400);
  });

  it('403: agents, providers, verifiers and viewers may not', async () => {
    for (const key of await keysOfOthers()) {
      await service.as(key).post('/v1/allocations').send({ gpuIds }).expect(403);
    }
  });

  it('404: names an id that is unknown, and takes nothing', async () => {
    const unknown = randomUUID();
    const { body } = await claim({ gpuIds: [...gpuIds, unknown] }).expect(404);
    expect(body).toMatchObject({ code: 'gpu.not_found', gpuIds: [unknown] });
    await claim({ gpuIds }).expect(201);
  });

  it('404: the tenant that an operator names is unknown', async () => {
    const { body } = await service
      .as()
      .post('/v1/allocations')
      .send({ gpuIds, tenantId: randomUUID() })
      .expect(404);
    expect(body.code).toBe('tenant.not_found');
  });

  it('409: names the GPUs that somebody has, and leaves the others free', async () => {
    await claim({ gpuIds: [gpuIds[1]] }).expect(201);
    const { body } = await claim({ gpuIds }).expect(409);
    expect(body).toMatchObject({ code: 'gpu.unavailable', gpuIds: [gpuIds[1]] });
    await claim({ gpuIds: [gpuIds[0], gpuIds[2]] }).expect(201);
  });

  it('409: names the reasons against each GPU that may not be given out', async () => {
    await service.as().post(`/v1/nodes/${nodeId}/drain`).expect(200);
    const { body } = await claim({ gpuIds: [gpuIds[0]] }).expect(409);
    expect(body).toMatchObject({
      code: 'gpu.unschedulable',
      gpus: [{ gpuId: gpuIds[0], reasons: ['node_draining'] }],
    });
  });
});

describe('POST /v1/allocations with a request', () => {
  it('201: takes what fits, and keeps what was asked', async () => {
    const request = { count: 2, filter: { nodeId }, sameNode: true, objective: 'best_fit' };
    const { body } = await claim({ request }).expect(201);
    expect(body).toMatchObject({ state: 'active', request });
    expect(body.gpus.map((gpu: { gpuId: string }) => gpu.gpuId)).toEqual(gpuIds.slice(0, 2));
  });

  it('201: takes what is free again by the clock', async () => {
    const { body: hold } = await claim({ gpuIds, holdTtlS: 60 }).expect(201);
    await setDeadline(service.sql, hold.id, -1);
    await claim({ request: { count: 3, filter: { nodeId } } }).expect(201);
  });

  it('409: nothing fits', async () => {
    const { body } = await claim({ request: { count: 4, filter: { nodeId } } }).expect(409);
    expect(body.code).toBe('allocation.no_capacity');
    await claim({ request: { count: 3, filter: { nodeId } } }).expect(201);
  });
});

describe('GET /v1/allocations/:id', () => {
  it('200: shows what the claim answered', async () => {
    const { body } = await claim({ gpuIds, holdTtlS: 60 }).expect(201);
    const shown = await read(body.id).expect(200);
    expect(shown.body).toEqual(body);
    expect(shown.headers.etag).toBe('"1"');
    const viewer = service.as(await createKey(service, { role: 'viewer' }));
    await viewer.get(`/v1/allocations/${body.id}`).expect(200, body);
  });

  it('200: what is past its deadline reads as ended at its deadline, before and after the sweep', async () => {
    const { body: hold } = await claim({ gpuIds: [gpuIds[0]], holdTtlS: 60 }).expect(201);
    await setDeadline(service.sql, hold.id, -1);
    const due = (await read(hold.id)).body;
    expect(due).toMatchObject({
      state: 'expired',
      endReason: 'hold_expired',
      releasedAt: due.heldUntil,
      version: 1,
    });
    await claim({ gpuIds: [gpuIds[0]] }).expect(201);
    const { version, updatedAt, ...swept } = (await read(hold.id)).body;
    expect(version).toBe(2);
    expect({ ...due, version, updatedAt }).toEqual({ ...swept, version, updatedAt });
  });

  it('304: nothing has changed', async () => {
    const { body } = await claim({ gpuIds }).expect(201);
    await read(body.id).set('if-none-match', '"1"').expect(304);
  });

  it("404: somebody else's, and an unknown one", async () => {
    const { body } = await claim({ gpuIds }).expect(201);
    const other = service.as((await createTenant(service)).key);
    for (const id of [body.id, randomUUID()]) {
      const { body: problem } = await other.get(`/v1/allocations/${id}`).expect(404);
      expect(problem.code).toBe('allocation.not_found');
    }
  });
});

describe('GET /v1/allocations', () => {
  it('200: a tenant sees its own, newest first if it likes, page by page', async () => {
    const made = [];
    for (const gpuId of gpuIds) made.push((await claim({ gpuIds: [gpuId] }).expect(201)).body.id);
    const first = await client.get('/v1/allocations?sort=-createdAt&limit=2').expect(200);
    const rest = await client
      .get(`/v1/allocations?sort=-createdAt&limit=2&cursor=${first.body.nextCursor}`)
      .expect(200);
    const ids = [...first.body.items, ...rest.body.items].map(({ id }) => id);
    expect(ids).toEqual(made.reverse());
    expect(rest.body.nextCursor).toBeNull();
  });

  it('200: filters by state, GPU, node, provider, tenant and times', async () => {
    const { body: active } = await claim({ gpuIds: [gpuIds[0]], durationS: 60 }).expect(201);
    const { body: held } = await claim({ gpuIds: [gpuIds[1]], holdTtlS: 60 }).expect(201);
    const { body: due } = await claim({ gpuIds: [gpuIds[2]], holdTtlS: 60 }).expect(201);
    await setDeadline(service.sql, due.id, -1);
    const [{ providerId }] = active.gpus;
    const cases: [string, string[]][] = [
      ['state=active', [active.id]],
      ['state=expired', [due.id]],
      ['state.in=held,active', [active.id, held.id]],
      [`gpuId=${gpuIds[1]}`, [held.id]],
      [`gpuId.in=${gpuIds[0]},${gpuIds[1]}`, [active.id, held.id]],
      [`nodeId=${nodeId}`, [active.id, held.id, due.id]],
      [`providerId=${providerId}&state=held`, [held.id]],
      [`tenantId=${tenant.id}`, [active.id, held.id, due.id]],
      [`tenantId=${randomUUID()}`, []],
      [`expiresAt.exists=true`, [active.id]],
      [`heldUntil.gt=${new Date().toISOString()}`, [held.id]],
      [`createdAt.gte=${active.createdAt}`, [active.id, held.id]],
    ];
    for (const [query, expected] of cases) {
      const { body } = await client.get(`/v1/allocations?${query}`).expect(200);
      expect([query, body.items.map(({ id }: { id: string }) => id)]).toEqual([query, expected]);
    }
  });

  it('200: an operator sees those of all tenants', async () => {
    const { body } = await claim({ gpuIds }).expect(201);
    const { body: list } = await service.as().get(`/v1/allocations?gpuId=${gpuIds[0]}`).expect(200);
    expect(list.items).toEqual([body]);
  });

  it('400: an unknown filter, a bad limit, a foreign cursor', async () => {
    await client.get('/v1/allocations?owner=me').expect(400);
    await client.get('/v1/allocations?limit=501').expect(400);
    await client.get('/v1/allocations?cursor=junk').expect(400);
  });

  it('403: agents, providers and verifiers have no business here', async () => {
    for (const key of (await keysOfOthers()).slice(0, 3)) {
      await service.as(key).get('/v1/allocations').expect(403);
    }
  });
});

describe('POST /v1/allocations/:id/confirm', () => {
  it('200: activates the hold; the duration counts from then, and again changes nothing', async () => {
    const { body: hold } = await claim({ gpuIds, holdTtlS: 60, durationS: 600 }).expect(201);
    const before = await lastChange(service.sql);
    const { body } = await act(hold.id, 'confirm').set('if-match', '"1"').expect(200);
    expect(body).toMatchObject({ state: 'active', heldUntil: null, version: 2 });
    expect(seconds(body.activatedAt, body.expiresAt)).toBe(600);
    const again = await act(hold.id, 'confirm', {}).expect(200);
    expect(again.body).toEqual(body);
    expect(await changesAfter(service.sql, before)).toEqual([
      'allocation.confirmed',
      ...gpuIds.map(() => 'gpu.allocated'),
    ]);
    expect(await getGpu(service, gpuIds[0] as string)).toMatchObject({ allocationState: 'allocated' });
  });

  it('409: the hold is over, swept or not', async () => {
    const { body: hold } = await claim({ gpuIds, holdTtlS: 60 }).expect(201);
    await setDeadline(service.sql, hold.id, -1);
    const unsweptHold = await act(hold.id, 'confirm').expect(409);
    expect(unsweptHold.body.code).toBe('allocation.hold_expired');
    await claim({ gpuIds }).expect(201);
    const sweptHold = await act(hold.id, 'confirm').expect(409);
    expect(sweptHold.body.code).toBe('allocation.hold_expired');
  });

  it('409: names the state and the action that do not go together', async () => {
    const { body: ended } = await claim({ gpuIds }).expect(201);
    await act(ended.id, 'release').expect(200);
    const { body } = await act(ended.id, 'confirm').expect(409);
    expect(body).toMatchObject({
      code: 'allocation.illegal_transition',
      state: 'released',
      action: 'confirm',
    });
  });
});

describe('POST /v1/allocations/:id/extend', () => {
  it('200: moves a hold to so many seconds from now, and never closer', async () => {
    const { body: hold } = await claim({ gpuIds, holdTtlS: 60 }).expect(201);
    const { body } = await act(hold.id, 'extend', { holdTtlS: 600 }).expect(200);
    expect(seconds(body.updatedAt, body.heldUntil)).toBe(600);
    expect(body).toMatchObject({ state: 'held', version: 2 });
    const shorter = await act(hold.id, 'extend', { holdTtlS: 60 }).expect(200);
    expect(shorter.body).toEqual(body);
    const gpu = await getGpu(service, gpuIds[0] as string);
    expect(gpu).toMatchObject({ allocationState: 'held', version: 2 });
    expect(await ledgerFaults(service.sql)).toEqual([]);
  });

  it('200: moves the end of a duration; without a body by as much as was asked for first', async () => {
    const { body: active } = await claim({ gpuIds, durationS: 60 }).expect(201);
    const { body } = await act(active.id, 'extend', { durationS: 3600 }).expect(200);
    expect(seconds(body.updatedAt, body.expiresAt)).toBe(3600);
    await setDeadline(service.sql, active.id, 1000);
    const renewed = await act(active.id, 'extend').expect(200);
    expect(seconds(renewed.body.updatedAt, renewed.body.expiresAt)).toBe(60);
  });

  it('200: what has no end stays without one', async () => {
    const { body: endless } = await claim({ gpuIds }).expect(201);
    const { body } = await act(endless.id, 'extend', { durationS: 60 }).expect(200);
    expect(body).toEqual(endless);
  });

  it('400: both deadlines at once', async () => {
    const { body: hold } = await claim({ gpuIds, holdTtlS: 60 }).expect(201);
    await act(hold.id, 'extend', { holdTtlS: 1, durationS: 1 }).expect(400);
  });

  it.each([
    ['the duration of a hold', { holdTtlS: 60 }, { durationS: 60 }, 'extendDuration'],
    ['the hold of an active allocation', {}, { holdTtlS: 60 }, 'extendHold'],
  ])('409: %s', async (_what, made, body, action) => {
    const { body: allocation } = await claim({ gpuIds, ...made }).expect(201);
    const refused = await act(allocation.id, 'extend', body).expect(409);
    expect(refused.body).toMatchObject({ code: 'allocation.illegal_transition', action });
  });
});

describe('POST /v1/allocations/:id/release', () => {
  it('200: gives the GPUs back, and answers the same again', async () => {
    const { body: active } = await claim({ gpuIds }).expect(201);
    const before = await lastChange(service.sql);
    const { body } = await act(active.id, 'release', { reason: 'job done' }).expect(200);
    expect(body).toMatchObject({
      state: 'released',
      endReason: 'job done',
      version: 2,
      releasedAt: expect.any(String),
    });
    const again = await act(active.id, 'release', { reason: 'again' }).expect(200);
    expect(again.body).toEqual(body);
    expect(await changesAfter(service.sql, before)).toEqual([
      'allocation.released',
      ...gpuIds.map(() => 'gpu.released'),
    ]);
    await claim({ gpuIds }).expect(201);
  });

  it('200: ends a hold as well', async () => {
    const { body: hold } = await claim({ gpuIds, holdTtlS: 60 }).expect(201);
    const { body } = await act(hold.id, 'release').expect(200);
    expect(body).toMatchObject({ state: 'released', activatedAt: null, endReason: 'released' });
  });

  it.each(['confirm', 'extend', 'release'])("404: somebody else's, by %s", async (action) => {
    const { body } = await claim({ gpuIds, holdTtlS: 60 }).expect(201);
    const other = service.as((await createTenant(service)).key);
    await other.post(`/v1/allocations/${body.id}/${action}`).expect(404);
    await read(body.id).expect(200, body);
  });

  it('409: it is over already', async () => {
    const { body: hold } = await claim({ gpuIds, holdTtlS: 60 }).expect(201);
    await setDeadline(service.sql, hold.id, -1);
    const { body } = await act(hold.id, 'release').expect(409);
    expect(body).toMatchObject({
      code: 'allocation.illegal_transition',
      state: 'expired',
      action: 'release',
    });
  });

  it.each(['confirm', 'extend', 'release'])('412: %s was meant for another version', async (action) => {
    const { body: hold } = await claim({ gpuIds, holdTtlS: 60 }).expect(201);
    const { body, headers } = await act(hold.id, action).set('if-match', '"7"').expect(412);
    expect(body).toMatchObject({ code: 'request.version_conflict', currentVersion: 1 });
    expect(headers.etag).toBe('"1"');
    await read(hold.id).expect(200, hold);
  });
});

describe('an Idempotency-Key', () => {
  it('replays the 201 and allocates nothing more', async () => {
    const key = randomUUID();
    const first = await claim({ gpuIds }).set('idempotency-key', key).expect(201);
    const second = await claim({ gpuIds }).set('idempotency-key', key).expect(201);
    expect(second.body).toEqual(first.body);
    expect(second.headers['idempotency-replayed']).toBe('true');
  });

  it('is free again after a refusal', async () => {
    const key = randomUUID();
    const { body: taken } = await claim({ gpuIds }).expect(201);
    await claim({ gpuIds }).set('idempotency-key', key).expect(409);
    await act(taken.id, 'release').expect(200);
    await claim({ gpuIds }).set('idempotency-key', key).expect(201);
  });
});

it('leaves ledger, counters, versions and change rows in agreement', async () => {
  expect(await ledgerFaults(service.sql)).toEqual([]);
  expect(await allocationFaults(service.sql)).toEqual([]);
  expect(
    (await versionFaults(service.sql)).filter(({ subject }) => ['gpu', 'allocation'].includes(subject)),
  ).toEqual([]);
});

const keysOfOthers = async () => [
  node.key,
  await createKey(service, { role: 'provider', providerId: node.providerId }),
  await createKey(service, { role: 'verifier' }),
  await createKey(service, { role: 'viewer' }),
];
const claim = (body: object) => client.post('/v1/allocations').send(body);
const read = (id: string) => client.get(`/v1/allocations/${id}`);
const act = (id: string, action: string, body?: object) => {
  const request = client.post(`/v1/allocations/${id}/${action}`);
  return body ? request.send(body) : request;
};
const seconds = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1000;
