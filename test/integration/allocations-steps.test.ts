import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { disagreements } from '../support/agreement.ts';
import { changesAfter, lastChange } from '../support/changes.ts';
import { getGpu } from '../support/gpu-inputs.ts';
import { ledgerFaults, setDeadline, unswept } from '../support/ledger.ts';
import { createTenant, openNode, type TestTenant } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let tenant: TestTenant;
let client: Client;
let gpuIds: string[];

beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(() => service.stop());
beforeEach(async () => {
  const open = await openNode(service, { gpus: 3, input: { pricePerHourNanoUsd: '250000000' } });
  ({ tenant, gpuIds } = open);
  client = service.as(tenant.key);
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

  it('200: without a body a hold by as much as was asked for first, not by its duration', async () => {
    const { body: hold } = await claim({ gpuIds, holdTtlS: 60, durationS: 600 }).expect(201);
    await setDeadline(service.sql, hold.id, 1000);
    const { body } = await act(hold.id, 'extend').expect(200);
    expect(seconds(body.updatedAt, body.heldUntil)).toBe(60);
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
  it('200: ends at its beginning what began ahead of a clock that was set back', async () => {
    const { body: active } = await claim({ gpuIds }).expect(201);
    const { rows } = await service.sql.query(
      `WITH ahead AS (
         UPDATE inventory.allocation SET created_at = created_at + interval '1 hour' WHERE id = $1 RETURNING id, created_at)
       UPDATE inventory.allocation_gpu l SET created_at = ahead.created_at FROM ahead WHERE l.allocation_id = ahead.id
       RETURNING ahead.created_at AS "createdAt"`,
      [active.id],
    );
    const { body } = await act(active.id, 'release').expect(200);
    expect(body.releasedAt).toBe(rows[0].createdAt.toISOString());
  });

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

it('leaves ledger, counters, versions and change rows in agreement', async () => {
  expect(await disagreements(service.sql)).toEqual([]);
});

const claim = (body: object) => client.post('/v1/allocations').send(body);
const read = (id: string) => client.get(`/v1/allocations/${id}`);
const act = (id: string, action: string, body?: object) => {
  const request = client.post(`/v1/allocations/${id}/${action}`);
  return body ? request.send(body) : request;
};
const seconds = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1000;
