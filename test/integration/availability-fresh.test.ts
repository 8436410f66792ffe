import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectedAvailability } from '../support/availability-oracle.ts';
import { createProvider } from '../support/fleet.ts';
import { gpuInput, putInventory } from '../support/gpu-inputs.ts';
import { testRedis } from '../support/redis.ts';
import { openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

/** Nobody falls silent in between. */
const patient = { HEARTBEAT_MIN_INTERVAL_S: '3600' };

const readAvailability = async (service: TestService) =>
  (await service.as().get('/v1/availability?groupBy=provider').expect(200)).body;

async function recount(service: TestService) {
  const { body } = await service.as().get('/v1/gpus?limit=500').expect(200);
  return expectedAvailability(body.items, ['provider']);
}

describe('the availability of one replica', () => {
  let service: TestService;
  let open: Awaited<ReturnType<typeof openNode>>;
  beforeAll(async () => {
    service = await startService(patient);
    open = await openNode(service, { gpus: 4, input: { pricePerHourNanoUsd: '100' } });
    await openNode(service, { gpus: 2 });
  });
  afterAll(() => service.stop());

  const version = async (path: string) => (await service.as().get(path).expect(200)).headers.etag as string;
  const patch = async (path: string, body: object) =>
    service
      .as()
      .patch(path)
      .set('if-match', await version(path))
      .send(body)
      .expect(200);

  it('is kept, until something is committed', async () => {
    // A replica that has just started keeps nothing before it knows that it is alone.
    await until('answers are kept', async () => {
      const before = await readAvailability(service);
      await raisePrice(service);
      return JSON.stringify(await readAvailability(service)) === JSON.stringify(before);
    });
    const before = await readAvailability(service);
    expect(before).not.toEqual(await recount(service));
    await createProvider(service);
    expect(await readAvailability(service)).toEqual(await recount(service));
  });

  it('shows every commit at once, whatever it is of', async () => {
    const { node, gpuIds, tenant } = open;
    const client = service.as(tenant.key);
    const claim = async (body: object) =>
      (await client.post('/v1/allocations').send(body).expect(201)).body.id;
    let allocation = '';
    const gpu = `/v1/gpus/${gpuIds[3]}`;
    const steps: [string, () => Promise<unknown>][] = [
      ['a hold', async () => (allocation = await claim({ gpuIds: gpuIds.slice(0, 2), holdTtlS: 600 }))],
      ['its confirmation', () => client.post(`/v1/allocations/${allocation}/confirm`).expect(200)],
      ['its release', () => client.post(`/v1/allocations/${allocation}/release`).expect(200)],
      ['a price', () => patch(gpu, { pricePerHourNanoUsd: '900' })],
      ['a failed check', () => check(service, gpuIds[2])],
      ['a drain', () => service.as().post(`/v1/nodes/${node.id}/drain`).expect(200)],
      ['its end', () => patch(`/v1/nodes/${node.id}`, { eligibility: 'eligible' })],
      ['a suspension', () => patch(`/v1/providers/${node.providerId}`, { lifecycle: 'suspended' })],
      ['its end', () => patch(`/v1/providers/${node.providerId}`, { lifecycle: 'active' })],
      [
        'a deletion',
        async () =>
          service
            .as()
            .delete(gpu)
            .set('if-match', await version(gpu))
            .expect(204),
      ],
      ['a snapshot', () => putInventory(service, node, { generation: 1, gpus: [gpuInput()] }).expect(200)],
      ['a first heartbeat', async () => openNode(service, { gpus: 1 })],
    ];
    let before = await readAvailability(service);
    for (const [what, step] of steps) {
      await step();
      const after = await readAvailability(service);
      expect([what, after]).toEqual([what, await recount(service)]);
      expect([what, after]).not.toEqual([what, before]);
      before = after;
    }
  });

  it('never keeps what only readings change', async () => {
    const { node } = await openNode(service, { gpus: 1 });
    const path = `/v1/availability?nodeId=${node.id}&temperatureC.gte=80`;
    expect((await service.as().get(path).expect(200)).body.groups).toBe(0);
    const { body } = await service.as().get(`/v1/gpus?nodeId=${node.id}`).expect(200);
    const gpus = [{ uuid: body.items[0].uuid, temperatureC: 85 }];
    await service
      .as(node.key)
      .post('/v1/heartbeats')
      .send({ nodeId: node.id, sequence: 2, status: 'healthy', gpus })
      .expect(202);
    expect((await service.as().get(path).expect(200)).body.groups).toBe(1);
  });
});

describe('the availability of two replicas on one Redis', () => {
  let here: TestService;
  let there: TestService;
  beforeAll(async () => {
    const env = { ...patient, REDIS_URL: testRedis().url };
    here = await startService(env);
    there = await startService(env, here.database);
  });
  afterAll(async () => {
    await there.stop();
    await here.stop();
  });

  it('shows at the other one within 2 s what one has committed', async () => {
    const { gpuIds, tenant } = await openNode(here, { gpus: 4 });
    const freeThere = async () => (await readAvailability(there)).items[0].free as number;
    await until('the other sees the node', async () => (await freeThere()) === 4, 2000);
    for (const [taken, gpuId] of gpuIds.entries()) {
      await here
        .as(tenant.key)
        .post('/v1/allocations')
        .send({ gpuIds: [gpuId] })
        .expect(201);
      expect((await readAvailability(here)).items[0].free).toBe(3 - taken);
      await until('the other sees the claim', async () => (await freeThere()) === 3 - taken, 2000);
    }
  });
});

/** Past the service, as nobody should: no cache hears of it. */
const raisePrice = (service: TestService) =>
  service.sql.query('UPDATE inventory.gpu_state SET price_per_hour_nano_usd = price_per_hour_nano_usd + 1');

const check = (service: TestService, gpuId: string | undefined) =>
  service
    .as()
    .post('/v1/health-checks')
    .send({ gpuId, check: 'xid', outcome: 'failed', code: 'xid.79', fatal: true })
    .expect(201);
