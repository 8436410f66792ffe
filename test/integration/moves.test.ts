import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { disagreements } from '../support/agreement.ts';
import { changesAfter, lastChange } from '../support/changes.ts';
import { getGpu, gpuInput } from '../support/gpu-inputs.ts';
import { setDeadline, unswept } from '../support/ledger.ts';
import { announce, atOnce, inSeconds } from '../support/maintenance.ts';
import { createTenant, openNode } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let open: Awaited<ReturnType<typeof openNode>>;
let client: Client;

beforeAll(async () => {
  service = await startService({ ...unswept, ...atOnce, CLEANING_REQUIRED: 'false' });
});
afterAll(() => service.stop());
beforeEach(async () => {
  open = await openNode(service, { gpus: 4, input: { pricePerHourNanoUsd: '100' } });
  client = service.as(open.tenant.key);
});
afterEach(async () => {
  expect(await disagreements(service.sql)).toEqual([]);
});

describe('POST /v1/allocations/{id}/move', () => {
  it('exchanges GPUs in one version, with one change for each that comes or goes, 200', async () => {
    const { body: job } = await claim([0, 1], { durationS: 3600 }).expect(201);
    const before = await lastChange(service.sql);
    const { body, headers } = await move(job.id, [1, 2, 3], { reason: 'more' }).expect(200);
    expect(gpusOf(body)).toEqual(ids(1, 2, 3));
    expect(headers.etag).toBe('"2"');
    expect(body).toEqual({
      ...job,
      gpus: body.gpus,
      pricePerHourNanoUsd: '300',
      version: 2,
      updatedAt: expect.any(String),
    });
    expect((await changesAfter(service.sql, before)).sort()).toEqual([
      'allocation.moved',
      'gpu.allocated',
      'gpu.allocated',
      'gpu.released',
    ]);
    expect((await client.get(`/v1/allocations/${job.id}`).expect(200)).body).toEqual(body);
    expect((await getGpu(service, ids(0)[0] as string)).allocationState).toBe('free');
    await claim([0]).expect(201);
  });

  it('shrinks, grows, and takes back what it had before', async () => {
    const { body: job } = await claim([0, 1]).expect(201);
    for (const places of [[0], [0, 1, 2], [1], [0, 1]]) {
      const { body } = await move(job.id, places).expect(200);
      expect(gpusOf(body)).toEqual(ids(...places));
    }
    const { body } = await client.post(`/v1/allocations/${job.id}/release`).expect(200);
    expect(gpusOf(body)).toEqual(ids(0, 1));
    await claim([0, 1, 2, 3]).expect(201);
  });

  it('has no price while a GPU of it has none', async () => {
    const { body: job } = await claim([0, 1]).expect(201);
    const unpriced = await openNode(service, { gpus: 1 });
    const { body } = await moveBy(job.id, { gpuIds: [...ids(0), ...unpriced.gpuIds] }).expect(200);
    expect(body.pricePerHourNanoUsd).toBeNull();
    expect((await move(job.id, [0]).expect(200)).body.pricePerHourNanoUsd).toBe('100');
  });

  it('changes nothing where nothing differs', async () => {
    const { body: job } = await claim([0, 1]).expect(201);
    expect((await move(job.id, [1, 0]).expect(200)).body).toEqual(job);
  });

  it('takes the best GPUs for a request in the place of all that it has', async () => {
    const { body: job } = await claim([0, 1]).expect(201);
    const request = { count: 2, filter: { nodeId: open.node.id } };
    const { body } = await moveBy(job.id, { request }).expect(200);
    expect(gpusOf(body)).toEqual(ids(2, 3));
    expect(body).toMatchObject({ request, version: 2 });
    const more = { count: 3, filter: { nodeId: open.node.id } };
    const none = await moveBy(job.id, { request: more }).expect(409);
    expect(none.body).toMatchObject({ code: 'allocation.no_capacity', explain: expect.any(Object) });
  });

  it('is all or nothing: 409 naming what cannot be had, and the rest as it was', async () => {
    const { body: job } = await claim([0]).expect(201);
    const other = await createTenant(service);
    await service
      .as(other.key)
      .post('/v1/allocations')
      .send({ gpuIds: ids(1) })
      .expect(201);
    const gone = await service
      .as()
      .post('/v1/gpus')
      .send({ nodeId: open.node.id, ...gpuInput() })
      .expect(201);
    await service.as().delete(`/v1/gpus/${gone.body.id}`).set('if-match', '*').expect(204);
    const before = await lastChange(service.sql);
    const taken = await move(job.id, [1, 2]).expect(409);
    expect(taken.body).toMatchObject({ code: 'gpu.unavailable', gpuIds: ids(1) });
    await service.sql.query('UPDATE inventory.gpu_state SET blocks = 256 WHERE gpu_id = $1', [ids(3)[0]]);
    const failed = await move(job.id, [2, 3]).expect(409);
    expect(failed.body).toMatchObject({
      code: 'gpu.unschedulable',
      gpus: [{ gpuId: ids(3)[0], reasons: ['gpu_failed'] }],
    });
    await moveBy(job.id, { gpuIds: [...ids(0), gone.body.id] }).expect(404);
    const unknown = await moveBy(job.id, { gpuIds: [...ids(0), open.tenant.id] }).expect(404);
    expect(unknown.body).toMatchObject({ code: 'gpu.not_found', gpuIds: [open.tenant.id] });
    expect(await changesAfter(service.sql, before)).toEqual([]);
    await client.get(`/v1/allocations/${job.id}`).expect(200, job);
  });

  it('keeps GPUs whose gates are shut, and takes none', async () => {
    const { body: job } = await claim([0, 1]).expect(201);
    await service.as().post(`/v1/nodes/${open.node.id}/drain`).send({}).expect(200);
    expect((await move(job.id, [0, 1, 2]).expect(409)).body.code).toBe('gpu.unschedulable');
    expect(gpusOf((await move(job.id, [0]).expect(200)).body)).toEqual(ids(0));
  });

  it('takes a GPU whose hold is over', async () => {
    const { body: job } = await claim([0]).expect(201);
    const { body: hold } = await claim([1], { holdTtlS: 60 }).expect(201);
    await setDeadline(service.sql, hold.id, -1);
    expect(gpusOf((await move(job.id, [1]).expect(200)).body)).toEqual(ids(1));
  });

  it('keeps a hold a hold, and a share a share', async () => {
    const { body: hold } = await claim([0], { holdTtlS: 60, share: 300 }).expect(201);
    const { body } = await move(hold.id, [1, 2]).expect(200);
    expect(body).toMatchObject({ state: 'held', heldUntil: hold.heldUntil });
    expect(body.gpus.map(({ share }: { share: number }) => share)).toEqual([300, 300]);
    expect((await getGpu(service, ids(1)[0] as string)).allocationState).toBe('held');
    expect(await lastTold(...ids(0, 1))).toEqual({
      [ids(0)[0] as string]: 'free',
      [ids(1)[0] as string]: 'held',
    });
    expect((await moveBy(hold.id, { request: { count: 1 } }).expect(400)).body.errors[0].pointer).toBe(
      '/request',
    );
    await client.post(`/v1/allocations/${hold.id}/confirm`).expect(200);
  });

  it('honours If-Match, 412 with the current version', async () => {
    const { body: job } = await claim([0]).expect(201);
    await move(job.id, [1]).set('if-match', '"1"').expect(200);
    const { body, headers } = await move(job.id, [2]).set('if-match', '"1"').expect(412);
    expect(body).toMatchObject({ code: 'request.version_conflict', currentVersion: 2 });
    expect(headers.etag).toBe('"2"');
  });

  it('refuses an allocation that is over, 409, one of somebody else, 404, and both or neither, 400', async () => {
    const { body: job } = await claim([0]).expect(201);
    const other = await createTenant(service);
    await service
      .as(other.key)
      .post(`/v1/allocations/${job.id}/move`)
      .send({ gpuIds: ids(1) })
      .expect(404);
    for (const body of [{}, { gpuIds: ids(1), request: { count: 1 } }])
      await moveBy(job.id, body).expect(400);
    await client.post(`/v1/allocations/${job.id}/release`).expect(200);
    expect((await move(job.id, [1]).expect(409)).body.code).toBe('allocation.illegal_transition');
  });

  it('counts quotas by what it comes to, not by what passes', async () => {
    const tenant = await createTenant(service, { maxGpus: 2 });
    client = service.as(tenant.key);
    const { body: job } = await claim([0, 1]).expect(201);
    await move(job.id, [2, 3]).expect(200);
    expect((await move(job.id, [1, 2, 3]).expect(409)).body.code).toBe('allocation.quota_exceeded');
    expect((await client.get(`/v1/allocations/${job.id}`)).body).toMatchObject({ version: 2 });
  });

  it('cleans what it gives back where that is asked for', async () => {
    await service
      .as()
      .patch(`/v1/nodes/${open.node.id}`)
      .set('if-match', '*')
      .send({ cleaningRequired: true })
      .expect(200);
    const { body: job } = await claim([0]).expect(201);
    await move(job.id, [1]).expect(200);
    expect((await getGpu(service, ids(0)[0] as string)).allocationState).toBe('cleaning');
    expect(await lastTold(...ids(0, 1))).toEqual({
      [ids(0)[0] as string]: 'cleaning',
      [ids(1)[0] as string]: 'allocated',
    });
    expect((await move(job.id, [0, 1]).expect(409)).body.gpus[0].reasons).toEqual(['gpu_cleaning']);
  });

  it('away from what is missing is billed again', async () => {
    const { body: job } = await claim([0, 1], { onInterruption: 'grace', graceS: 3600 }).expect(201);
    await service.sql.query(
      `UPDATE inventory.allocation SET impaired_by = 'gpu_lost', billing_stopped_at = clock_timestamp(),
              interrupt_at = clock_timestamp() + interval '1 hour' WHERE id = $1`,
      [job.id],
    );
    await service.sql.query('UPDATE inventory.gpu_state SET blocks = 128 WHERE gpu_id = $1', [ids(0)[0]]);
    expect((await move(job.id, [0, 2]).expect(200)).body.impairedBy).toBe('gpu_lost');
    expect((await move(job.id, [1, 2]).expect(200)).body).toMatchObject({
      impairedBy: null,
      billingStoppedAt: null,
      interruptAt: null,
    });
  });
});

describe('a move to a GPU whose maintenance begins in an hour', () => {
  it.each([
    ['an allocation that is over before', { durationS: 7200 }, 1_800_000, 200],
    ['an allocation that lasts longer', { durationS: 7200 }, 4_000_000, 409],
    ['a hold whose duration would meet it', { holdTtlS: 60, durationS: 7200 }, 60_000, 409],
    ['a hold that meets it itself', { holdTtlS: 3600, durationS: 300 }, 3_500_000, 409],
    ['a hold that is over before with its duration', { holdTtlS: 3600, durationS: 300 }, 60_000, 200],
  ])('of %s is judged by the time that is left', async (_what, more, leftMs, status) => {
    const { body: job } = await claim([0], more).expect(201);
    await setDeadline(service.sql, job.id, leftMs);
    const { node, gpuIds } = await openNode(service, { gpus: 1, providerId: open.node.providerId });
    const window = { startsAt: inSeconds(3600), endsAt: inSeconds(5400) };
    await announce(service, { nodeId: node.id, kind: 'planned', ...window }).expect(201);
    const request = { count: 1, filter: { nodeId: node.id } };
    await moveBy(job.id, { request }).expect(status);
    await moveBy(job.id, { gpuIds: ids(0) }).expect(200);
    await moveBy(job.id, { gpuIds }).expect(status);
  });
});

describe('a move by request, while maintenance is announced', () => {
  it.each([
    ['of an allocation', {}],
    ['of a hold', { holdTtlS: 60 }],
    ['of a hold that is longer than its duration', { holdTtlS: 3600, durationS: 300 }],
  ])('%s leaves out what is not clear of it for the time that is left', async (_what, more) => {
    const { body: job } = await claim([0], { durationS: 7200, ...more }).expect(201);
    const providerId = open.node.providerId;
    const [first, later] = [
      await openNode(service, { gpus: 1, providerId }),
      await openNode(service, { gpus: 1, providerId }),
    ];
    const window = { startsAt: inSeconds(3600), endsAt: inSeconds(5400) };
    await announce(service, { nodeId: first.node.id, kind: 'planned', ...window }).expect(201);
    const request = { count: 1, filter: { nodeId: { in: [first.node.id, later.node.id] } } };
    const { body } = await moveBy(job.id, { request }).expect(200);
    expect(gpusOf(body)).toEqual(later.gpuIds);

    const none = await moveBy(job.id, { request: { ...request, filter: { nodeId: first.node.id } } }).expect(
      409,
    );
    expect(none.body.code).toBe('allocation.no_capacity');
    expect(none.body.explain.filters[0]).toMatchObject({ filter: 'schedulable', ifDropped: { gpus: 1 } });
    const { body: endless } = await claim([1]).expect(201);
    expect(gpusOf((await moveBy(endless.id, { request }).expect(200)).body)).toEqual(first.gpuIds);
  });

  it('of what is over, or has another version, is refused before anything is looked for', async () => {
    const { body: job } = await claim([0]).expect(201);
    const request = { count: 1000 };
    const stale = await moveBy(job.id, { request }).set('if-match', '"7"').expect(412);
    expect(stale.body).toMatchObject({ code: 'request.version_conflict', currentVersion: 1 });
    await client.post(`/v1/allocations/${job.id}/release`).expect(200);
    const { body } = await moveBy(job.id, { request }).expect(409);
    expect(body.code).toBe('allocation.illegal_transition');
  });
});

interface Shown {
  gpus: { gpuId: string }[];
}

/** What the last change row of each GPU says of its use. */
async function lastTold(...gpuIds: string[]): Promise<Record<string, string>> {
  const { rows } = await service.sql.query<{ id: string; told: string }>(
    `SELECT DISTINCT ON (subject_id) subject_id AS id, diff -> 'after' ->> 'allocationState' AS told
       FROM inventory.change WHERE subject_type = 'gpu' AND subject_id = ANY($1) ORDER BY subject_id, version DESC`,
    [gpuIds],
  );
  return Object.fromEntries(rows.map(({ id, told }) => [id, told]));
}

const ids = (...places: number[]): string[] => places.map((place) => open.gpuIds[place] as string).sort();
const gpusOf = ({ gpus }: Shown): string[] => gpus.map(({ gpuId }) => gpuId);
const claim = (places: number[], more: object = {}) =>
  client.post('/v1/allocations').send({ gpuIds: ids(...places), ...more });
const moveBy = (id: string, body: object) => client.post(`/v1/allocations/${id}/move`).send(body);
const move = (id: string, places: number[], more: object = {}) =>
  moveBy(id, { gpuIds: ids(...places), ...more });
