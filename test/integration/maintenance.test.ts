import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { changesAfter, lastChange, versionFaults } from '../support/changes.ts';
import { createKey, createNode, createProvider, type TestNode } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInput } from '../support/gpu-inputs.ts';
import { age, announce, atOnce, inSeconds } from '../support/maintenance.ts';
import { createTenant, openNode, type TestTenant } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

let service: TestService;
let node: TestNode;
let gpuId: string;
let tenant: TestTenant;
beforeAll(async () => {
  service = await startService(atOnce);
});
afterAll(async () => {
  expect(await versionFaults(service.sql)).toEqual([]);
  await service.stop();
});
beforeEach(async () => {
  const open = await openNode(service, { gpus: 1 });
  ({ node, tenant } = open);
  gpuId = open.gpuIds[0] as string;
});

const addGpu = async (to: TestNode, uuid = `GPU-${randomUUID()}`): Promise<string> =>
  (await createGpus(service, to, [gpuInput({ uuid })]))[0]?.id ?? '';
const later = { kind: 'planned', startsAt: inSeconds(7200), endsAt: inSeconds(10_800) };
const path = (id: string) => `/v1/maintenance-windows/${id}`;
const claim = (more: object = {}, key = tenant.key) =>
  service
    .as(key)
    .post('/v1/allocations')
    .send({ gpuIds: [gpuId], ...more });
const request = (more: object = {}) =>
  service
    .as(tenant.key)
    .post('/v1/allocations')
    .send({ request: { count: 1, filter: { nodeId: node.id } }, ...more });
const reasons = async (id = gpuId) => (await getGpu(service, id)).unschedulableReasons;

describe('POST /v1/maintenance-windows', () => {
  it('201: a window of one node, from now where no start is named', async () => {
    const provider = await createKey(service, { role: 'provider', providerId: node.providerId });
    const { body, headers } = await announce(service, { nodeId: node.id, reason: 'fan' }, provider).expect(
      201,
    );
    expect(headers).toMatchObject({ etag: '"1"', location: path(body.id) });
    expect(body).toMatchObject({
      providerId: node.providerId,
      nodeId: node.id,
      kind: 'emergency',
      state: 'active',
      reason: 'fan',
      version: 1,
    });
  });

  it('201: a window of all nodes of a provider, by default the own', async () => {
    const provider = await createKey(service, { role: 'provider', providerId: node.providerId });
    const { body } = await announce(service, {}, provider).expect(201);
    expect(body).toMatchObject({ providerId: node.providerId, nodeId: null });
    expect(await reasons()).toEqual(['maintenance_window']);
  });

  it.each([
    ['both a node and a provider', '/providerId', () => ({ nodeId: node.id, providerId: node.providerId })],
    ['neither', '/nodeId', () => ({})],
    ['a start in the past', '/startsAt', () => ({ nodeId: node.id, startsAt: inSeconds(-60) })],
    ['an end before its start', '/endsAt', () => ({ nodeId: node.id, ...later, endsAt: inSeconds(7100) })],
    ['more than the longest time', '/endsAt', () => ({ nodeId: node.id, endsAt: inSeconds(7300) })],
    ['a moment that there is not', '/endsAt', () => ({ nodeId: node.id, endsAt: '2036-02-30T00:00:00Z' })],
  ])('400: %s', async (_what, pointer, window) => {
    const { body } = await announce(service, window()).expect(400);
    expect(body).toMatchObject({ code: 'request.invalid', errors: [{ pointer }] });
    expect(await reasons()).toEqual([]);
  });

  it('404: a node that does not exist, or is not the own', async () => {
    const stranger = await createProvider(service);
    await announce(service, { nodeId: randomUUID() }).expect(404);
    await announce(service, { nodeId: node.id }, stranger.key).expect(404);
    await announce(service, { providerId: node.providerId }, stranger.key).expect(404);
  });

  it('409: a node has one window at a time, named in the answer, until it is over', async () => {
    const first = await announce(service, { nodeId: node.id, ...later }).expect(201);
    for (const window of [
      { nodeId: node.id, ...later },
      { providerId: node.providerId, ...later },
    ]) {
      const { body } = await announce(service, window).expect(409);
      expect(body).toMatchObject({ code: 'maintenance_window.exists', windowIds: [first.body.id] });
    }
    await age(service, first.body.id, 10_800);
    const second = await announce(service, { providerId: node.providerId }).expect(201);
    const again = await announce(service, { providerId: node.providerId }).expect(409);
    expect(again.body.windowIds).toEqual([second.body.id]);
  });

  it('409: emergencies of a node are limited within 30 days', async () => {
    const [first = ''] = await fourEmergencies();
    const { body } = await announce(service, { nodeId: node.id }).expect(409);
    expect(body.code).toBe('maintenance_window.emergency_limit');
    await age(service, first, 30 * 86_400);
    await announce(service, { nodeId: node.id }).expect(201);
  });

  it('201: planned maintenance is not limited by emergencies', async () => {
    await fourEmergencies();
    await announce(service, { nodeId: node.id, ...later }).expect(201);
  });
});

/** As many as a node may have within 30 days, all of them over; their ids. */
async function fourEmergencies(): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < 4) {
    const { body } = await announce(service, { nodeId: node.id }).expect(201);
    await age(service, body.id, 3600);
    ids.push(body.id);
  }
  return ids;
}

describe('an emergency before planned maintenance', () => {
  const stand = async (planned: object = { nodeId: node.id }, emergency: object = { nodeId: node.id }) => ({
    planned: (await announce(service, { ...planned, ...later }).expect(201)).body,
    emergency: (await announce(service, emergency).expect(201)).body,
  });
  const back = (id = gpuId) =>
    until(
      'the planned window is back',
      async () => (await getGpu(service, id)).unschedulableReasons.length === 0,
    );

  it('comes first; the planned one stays as it was, and is back when the emergency is over', async () => {
    const { planned, emergency } = await stand();
    expect(await getGpu(service, gpuId)).toMatchObject({
      unschedulableReasons: ['maintenance_window'],
      maintenance: { startsAt: emergency.startsAt, endsAt: emergency.endsAt },
    });
    expect((await service.as().get(path(planned.id)).expect(200)).body).toEqual(planned);
    await age(service, emergency.id, 3600);
    await back();
    expect((await getGpu(service, gpuId)).maintenance).toEqual({
      startsAt: planned.startsAt,
      endsAt: planned.endsAt,
    });
    await claim({ durationS: 7260 }).expect(409);
    await claim({ durationS: 3600 }).expect(201);
  });

  it('keeps all GPUs of the node from being given out, those included that come meanwhile', async () => {
    const { emergency } = await stand();
    const added = await addGpu(node);
    for (const id of [gpuId, added]) {
      expect(await reasons(id)).toEqual(['maintenance_window']);
      await claim({ gpuIds: [id] }).expect(409);
    }
    // Between its end and the return of the planned one a claim knows nothing of that: so it is refused.
    await service.sql.query(
      `UPDATE inventory.gpu_state SET maintenance_from = now() - interval '2 hours', maintenance_until = now() - interval '1 hour'
        WHERE node_id = $1`,
      [node.id],
    );
    await claim({ durationS: 60 }).expect(409);
    await service.as().delete(path(emergency.id)).set('if-match', '*').expect(204);
    for (const id of [gpuId, added]) expect(await reasons(id)).toEqual([]);
    expect((await getGpu(service, gpuId)).maintenance).not.toBeNull();
  });

  it('may be of all nodes, as may the planned one; who joins has both', async () => {
    const all = { providerId: node.providerId };
    for (const [planned, emergency] of [
      [{ nodeId: node.id }, all],
      [all, { nodeId: node.id }],
      [all, all],
    ] as const) {
      const made = await stand(planned, emergency);
      const joined = await createNode(service, node.providerId);
      const added = await addGpu(joined);
      await age(service, made.emergency.id, 3600);
      await back();
      expect((await getGpu(service, gpuId)).maintenance).toMatchObject({ startsAt: made.planned.startsAt });
      if (planned === all)
        await until('the one who joined has it', async () => {
          const { maintenance } = await getGpu(service, added);
          return maintenance?.startsAt === made.planned.startsAt;
        });
      expect(await reasons(added)).toEqual(['node_not_heard']);
      await service.as().delete(path(made.planned.id)).set('if-match', '*').expect(204);
      expect((await getGpu(service, gpuId)).maintenance).toBeNull();
    }
  });

  it('may be there already when the planned one is announced, and called off is that one alone', async () => {
    const emergency = await announce(service, { nodeId: node.id }).expect(201);
    const planned = await announce(service, { nodeId: node.id, ...later }).expect(201);
    await service.as().delete(path(planned.body.id)).set('if-match', '*').expect(204);
    expect(await getGpu(service, gpuId)).toMatchObject({
      unschedulableReasons: ['maintenance_window'],
      maintenance: { endsAt: emergency.body.endsAt },
    });
    await age(service, emergency.body.id, 3600);
    expect(await reasons()).toEqual([]);
  });

  it('409: not where they overlap, when announced or moved, and not two of a kind', async () => {
    const { planned, emergency } = await stand();
    const patch = (id: string, change: object) =>
      service.as().patch(path(id)).set('if-match', '*').send(change);
    const refused = [
      await announce(service, { nodeId: node.id, ...later, startsAt: inSeconds(7300) }),
      await announce(service, { nodeId: node.id }),
      await patch(planned.id, { startsAt: inSeconds(3000) }),
    ];
    for (const { status, body } of refused)
      expect([status, body.code]).toEqual([409, 'maintenance_window.exists']);
    expect(refused[2]?.body.windowIds).toEqual([emergency.id]);
    await patch(planned.id, { startsAt: inSeconds(3660) }).expect(200);
    const longer = await patch(emergency.id, { endsAt: inSeconds(3700) }).expect(409);
    expect(longer.body.windowIds).toEqual([planned.id]);
    await patch(emergency.id, { endsAt: inSeconds(3650) }).expect(200);
  });

  it('is over while nobody looked, and so is the planned one: the GPUs are free', async () => {
    const { planned, emergency } = await stand();
    await age(service, planned.id, 10_800);
    await age(service, emergency.id, 3600);
    await back();
    expect((await getGpu(service, gpuId)).maintenance).toBeNull();
    await announce(service, { nodeId: node.id, ...later }).expect(201);
  });
});

describe('a GPU of a node in maintenance', () => {
  it('is not schedulable from start to end, by the clock alone', async () => {
    const { body } = await announce(service, { nodeId: node.id, ...later }).expect(201);
    const seen = await getGpu(service, gpuId);
    expect(seen).toMatchObject({
      schedulable: true,
      maintenance: { startsAt: body.startsAt, endsAt: body.endsAt },
    });
    await age(service, body.id, 7200);
    expect(await getGpu(service, gpuId)).toMatchObject({
      schedulable: false,
      unschedulableReasons: ['maintenance_window'],
      version: seen.version,
    });
    expect(await found(false)).toEqual([gpuId]);
    for (const owner of [`nodes/${node.id}`, `providers/${node.providerId}`])
      expect((await service.as().get(`/v1/${owner}`)).body.problems).toEqual(['maintenance_window']);
    await age(service, body.id, 3600);
    expect(await getGpu(service, gpuId)).toMatchObject({ schedulable: true, maintenance: null });
    expect(await found(true)).toEqual([gpuId]);
  });

  it('cannot be claimed, by id or by request; what is claimed goes on', async () => {
    const second = await addGpu(node);
    const { body: running } = await claim().expect(201);
    await announce(service, { nodeId: node.id }).expect(201);
    const refused = await claim({ gpuIds: [second] }).expect(409);
    expect(refused.body).toMatchObject({
      code: 'gpu.unschedulable',
      gpus: [{ gpuId: second, reasons: ['maintenance_window'] }],
    });
    expect((await request().expect(409)).body.code).toBe('allocation.no_capacity');
    const { body } = await service.as(tenant.key).get(`/v1/allocations/${running.id}`);
    expect(body).toMatchObject({ state: 'active', version: 1 });
  });

  it('cannot be claimed for a time that reaches into the window, a hold before it included', async () => {
    await announce(service, { nodeId: node.id, ...later }).expect(201);
    for (const placement of [{ durationS: 7260 }, { durationS: 3600, holdTtlS: 3660 }]) {
      const { body } = await claim(placement).expect(409);
      expect(body.gpus).toEqual([{ gpuId, reasons: ['maintenance_window'] }]);
      expect((await request(placement).expect(409)).body.code).toBe('allocation.no_capacity');
    }
    const { body } = await request({ durationS: 3600 }).expect(201);
    await service.as(tenant.key).post(`/v1/allocations/${body.id}/release`).expect(200);
    await claim().expect(201);
  });

  it('is in maintenance with it when it comes later, or comes from elsewhere, and leaves it behind', async () => {
    await announce(service, { nodeId: node.id }).expect(201);
    const uuid = `GPU-${randomUUID()}`;
    const added = await addGpu(node, uuid);
    expect(await reasons(added)).toEqual(['maintenance_window']);
    const other = await createNode(service, node.providerId);
    const snapshot = { generation: 1, gpus: [{ uuid, vendor: 'nvidia', name: 'GPU' }] };
    await service.as(other.key).put(`/v1/nodes/${other.id}/inventory`).send(snapshot).expect(200);
    expect(await reasons(added)).toEqual(['node_not_heard']);
    await service.as(node.key).put(`/v1/nodes/${node.id}/inventory`).send(snapshot).expect(200);
    expect(await reasons(added)).toEqual(['maintenance_window']);
  });

  it("is in maintenance with its provider's when its node joins later", async () => {
    await announce(service, { providerId: node.providerId }).expect(201);
    const joined = await createNode(service, node.providerId);
    const added = await addGpu(joined);
    expect(await reasons(added)).toEqual(['node_not_heard', 'maintenance_window']);
    const { body } = await service.as().get(`/v1/maintenance-windows?nodeId=${joined.id}`).expect(200);
    expect(body.items).toHaveLength(1);
  });
});

describe('PATCH /v1/maintenance-windows/{id}', () => {
  it('200: moves the window on all of its GPUs', async () => {
    const { body } = await announce(service, { nodeId: node.id, ...later }).expect(201);
    const startsAt = inSeconds(0.5);
    const moved = await service
      .as()
      .patch(path(body.id))
      .set('if-match', '"1"')
      .send({ startsAt })
      .expect(200);
    expect(moved.body).toMatchObject({ startsAt, endsAt: body.endsAt, version: 2 });
    expect((await getGpu(service, gpuId)).maintenance).toEqual({ startsAt, endsAt: body.endsAt });
  });

  it('200: a patch that says nothing new makes no version, and tells nobody', async () => {
    const { body } = await announce(service, { nodeId: node.id, ...later }).expect(201);
    const before = await lastChange(service.sql);
    const patch = { endsAt: body.endsAt, reason: null };
    const { body: same } = await service
      .as()
      .patch(path(body.id))
      .set('if-match', '"1"')
      .send(patch)
      .expect(200);
    expect(same.version).toBe(1);
    expect(await changesAfter(service.sql, before)).toEqual([]);
  });

  it('400: what the rules of its kind do not allow', async () => {
    const { body } = await announce(service, { nodeId: node.id }).expect(201);
    const patch = (change: object) => service.as().patch(path(body.id)).set('if-match', '*').send(change);
    expect((await patch({ startsAt: inSeconds(60) }).expect(400)).body.errors[0].pointer).toBe('/startsAt');
    expect((await patch({ endsAt: inSeconds(8000) }).expect(400)).body.errors[0].pointer).toBe('/endsAt');
  });

  it('404, 412, 428: of the wrong owner, of a stale version, of none', async () => {
    const { body } = await announce(service, { nodeId: node.id }).expect(201);
    const stranger = await createProvider(service);
    const patch = (key?: string) => service.as(key).patch(path(body.id));
    await patch(stranger.key).set('if-match', '*').send({ reason: 'x' }).expect(404);
    await patch().set('if-match', '"7"').send({ reason: 'x' }).expect(412);
    await patch().send({ reason: 'x' }).expect(428);
  });

  it('409: what is over stays as it is', async () => {
    const { body } = await announce(service, { nodeId: node.id }).expect(201);
    await age(service, body.id, 3600);
    const patch = await service
      .as()
      .patch(path(body.id))
      .set('if-match', '*')
      .send({ reason: 'x' })
      .expect(409);
    expect(patch.body.code).toBe('maintenance_window.over');
    const cancel = await service.as().delete(path(body.id)).set('if-match', '*').expect(409);
    expect(cancel.body.code).toBe('maintenance_window.over');
    expect((await service.as().get(path(body.id)).expect(200)).body.state).toBe('ended');
  });
});

describe('DELETE /v1/maintenance-windows/{id}', () => {
  it('204: ends what has begun, keeps what was of it for the uptime, and frees the node for another', async () => {
    const { body } = await announce(service, { nodeId: node.id }).expect(201);
    await service.as().delete(path(body.id)).set('if-match', '"1"').expect(204);
    expect(await reasons()).toEqual([]);
    await service.as().get(path(body.id)).expect(404);
    const { rows } = await service.sql.query(
      'SELECT open, until_at <= clock_timestamp() AS over FROM inventory.node_maintenance WHERE window_id = $1',
      [body.id],
    );
    expect(rows).toEqual([{ open: false, over: true }]);
    await announce(service, { nodeId: node.id }).expect(201);
  });

  it('204: of what has not begun nothing is left', async () => {
    const { body } = await announce(service, { nodeId: node.id, ...later }).expect(201);
    await service.as().delete(path(body.id)).set('if-match', '"1"').expect(204);
    expect((await getGpu(service, gpuId)).maintenance).toBeNull();
    const { rowCount } = await service.sql.query(
      'SELECT FROM inventory.node_maintenance WHERE window_id = $1',
      [body.id],
    );
    expect(rowCount).toBe(0);
  });
});

describe('the tenants of a node', () => {
  it('are told by one event each, of their allocations alone', async () => {
    const second = await addGpu(node);
    const other = await createTenant(service);
    const { body: mine } = await claim().expect(201);
    await claim({ gpuIds: [second] }, other.key).expect(201);
    const { body } = await announce(service, { nodeId: node.id, ...later, reason: 'fan' }).expect(201);
    await service
      .as()
      .patch(path(body.id))
      .set('if-match', '"1"')
      .send({ endsAt: inSeconds(9000) })
      .expect(200);
    await service.as().delete(path(body.id)).set('if-match', '"2"').expect(204);
    const notices = await noticesOf(tenant.id);
    expect(notices.map(({ type }) => type)).toEqual([
      'maintenance_notice.announced',
      'maintenance_notice.changed',
      'maintenance_notice.cancelled',
    ]);
    expect(notices[0]).toMatchObject({
      reason: 'fan',
      after: {
        windowId: body.id,
        kind: 'planned',
        startsAt: body.startsAt,
        endsAt: body.endsAt,
        allocationIds: [mine.id],
        gpuIds: [gpuId],
      },
    });
    expect(await noticesOf(other.id)).toHaveLength(3);
  });

  it('may read its windows while they use it, and no others', async () => {
    const { body } = await announce(service, { nodeId: node.id, ...later }).expect(201);
    const list = async (key: string) =>
      (await service.as(key).get('/v1/maintenance-windows').expect(200)).body.items;
    await service.as(tenant.key).get(path(body.id)).expect(404);
    const { body: allocation } = await claim().expect(201);
    await service.as(tenant.key).get(path(body.id)).expect(200);
    expect(await list(tenant.key)).toEqual([body]);
    expect(await list((await createTenant(service)).key)).toEqual([]);
    expect(await list(node.key)).toEqual([body]);
    await service.as(tenant.key).post(`/v1/allocations/${allocation.id}/release`).expect(200);
    await service.as(tenant.key).get(path(body.id)).expect(404);
    await service.as(tenant.key).delete(path(body.id)).set('if-match', '*').expect(403);
  });
});

it('planned maintenance without its notice is refused, an emergency is not', async () => {
  const strict = await startService({}, service.database);
  const soon = { kind: 'planned', startsAt: inSeconds(3000), endsAt: inSeconds(4000) };
  const { body } = await announce(strict, { nodeId: node.id, ...soon }).expect(400);
  expect(body.errors[0].pointer).toBe('/startsAt');
  await announce(strict, { nodeId: node.id, ...soon, kind: 'emergency' }).expect(201);
  await strict.stop();
});

describe('a network that asks for a verification level', () => {
  it('gives out no GPU below it, and says so', async () => {
    const strict = await startService({ ...atOnce, MIN_VERIFICATION_LEVEL: '2' }, service.database);
    const take = () =>
      strict
        .as(tenant.key)
        .post('/v1/allocations')
        .send({ gpuIds: [gpuId] });
    const best = () =>
      strict
        .as(tenant.key)
        .post('/v1/allocations')
        .send({ request: { count: 1, filter: { nodeId: node.id } } });
    expect((await take().expect(409)).body.gpus).toEqual([{ gpuId, reasons: ['level_too_low'] }]);
    await best().expect(409);
    expect(await getGpu(strict, gpuId)).toMatchObject({
      schedulable: false,
      unschedulableReasons: ['level_too_low'],
    });
    const grant = (hours: number) =>
      service.sql.query(
        'UPDATE inventory.gpu_state SET level3_until = now() + make_interval(hours => $2) WHERE gpu_id = $1',
        [gpuId, hours],
      );
    await grant(-1);
    await take().expect(409);
    await grant(1);
    expect(await getGpu(strict, gpuId)).toMatchObject({ schedulable: true, unschedulableReasons: [] });
    await best().expect(201);
    await strict.stop();
  });
});

/** GPUs of the node that a search for schedulable ones, or others, finds. */
async function found(schedulable: boolean): Promise<string[]> {
  const { body } = await service
    .as()
    .get(`/v1/gpus?nodeId=${node.id}&schedulable=${schedulable}`)
    .expect(200);
  return body.items.map(({ id }: { id: string }) => id);
}

async function noticesOf(tenantId: string) {
  const { rows } = await service.sql.query(
    `SELECT type, reason, diff -> 'after' AS after FROM inventory.change
      WHERE subject_type = 'maintenance_notice' AND tenant_id = $1 ORDER BY id`,
    [tenantId],
  );
  return rows;
}
