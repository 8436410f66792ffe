import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { disagreements } from '../support/agreement.ts';
import { changesAfter, lastChange } from '../support/changes.ts';
import { createKey, type TestNode } from '../support/fleet.ts';
import { getGpu } from '../support/gpu-inputs.ts';
import { setDeadline, unswept } from '../support/ledger.ts';
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

  it('201: takes a request for candidates as it is', async () => {
    const wanted = { count: 1, filter: { nodeId }, objective: 'cheapest' };
    const { body: held } = await claim({
      request: { ...wanted, limit: 3, explain: true, holdTtlS: 60 },
    }).expect(201);
    expect(held).toMatchObject({ state: 'held', holdTtlS: 60 });
    expect(held.request).toEqual(wanted);
    const { body: longer } = await claim({ request: { ...wanted, holdTtlS: 60 }, holdTtlS: 90 }).expect(201);
    expect(longer.holdTtlS).toBe(90);
    await claim({ request: { ...wanted, limit: 0 } }).expect(400);
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
  expect(await disagreements(service.sql)).toEqual([]);
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
