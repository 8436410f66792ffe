import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { disagreements } from '../support/agreement.ts';
import { changesAfter, lastChange } from '../support/changes.ts';
import { createSweepers, type Sweepers, unswept } from '../support/ledger.ts';
import { openNode } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

let service: TestService;
let sweepers: Sweepers;
let open: Awaited<ReturnType<typeof openNode>>;
let client: Client;

beforeAll(async () => {
  service = await startService(unswept);
  sweepers = createSweepers(service);
});
afterAll(async () => {
  await sweepers.close();
  await service.stop();
});
beforeEach(async () => {
  open = await openNode(service, { gpus: 3 });
  client = service.as(open.tenant.key);
});
afterEach(async () => {
  expect(await disagreements(service.sql)).toEqual([]);
});

describe('a drain with a deadline', () => {
  it('counts its seconds by the database, 200', async () => {
    const { body } = await drain({ deadlineS: 3600, reason: 'new fans' }).expect(200);
    const { rows } = await service.sql.query(
      `SELECT extract(epoch FROM $1::timestamptz - clock_timestamp())::float AS ahead`,
      [body.drainDeadlineAt],
    );
    expect(rows[0].ahead).toBeGreaterThan(3590);
    expect(rows[0].ahead).toBeLessThanOrEqual(3600);
  });

  it('is given once, 400', async () => {
    const { body } = await drain({ deadlineS: 1, deadlineAt: '2030-01-01T00:00:00Z' }).expect(400);
    expect(body.errors).toEqual([{ pointer: '/deadlineS', detail: 'must not be given beside deadlineAt' }]);
    const { body: node } = await service.as().get(`/v1/nodes/${open.node.id}`).expect(200);
    expect(node.eligibility).toBe('eligible');
  });

  it('takes no new claim, and leaves allocations alone until then', async () => {
    const { body: job } = await claim([0]).expect(201);
    await drain({ deadlineS: 3600 }).expect(200);
    expect((await claim([1]).expect(409)).body.gpus[0].reasons).toEqual(['node_draining']);
    expect(await sweepers.drain.sweep()).toBe(0);
    await client.get(`/v1/allocations/${job.id}`).expect(200, job);
    await client.post(`/v1/allocations/${job.id}/release`).expect(200);
  });

  it('then ends them, holds included, with one change each, and the node is as empty as it was before', async () => {
    const { body: job } = await claim([0, 1], { durationS: 7200 }).expect(201);
    const { body: hold } = await claim([2], { holdTtlS: 600 }).expect(201);
    await drain({ deadlineAt: '2026-01-01T00:00:00Z' }).expect(200);
    const before = await lastChange(service.sql);
    expect(await sweepers.drain.sweep()).toBe(2);
    expect(await sweepers.drain.sweep()).toBe(0);
    expect((await changesAfter(service.sql, before)).sort()).toEqual([
      'allocation.interrupted',
      'allocation.interrupted',
      'gpu.released',
      'gpu.released',
      'gpu.released',
    ]);
    for (const { id } of [job, hold]) {
      const { body } = await client.get(`/v1/allocations/${id}`).expect(200);
      expect(body).toMatchObject({ state: 'interrupted', endReason: 'drained', version: 2 });
    }
    await undrain().expect(200);
    await claim([0, 1, 2]).expect(201);
    expect(await sweepers.drain.sweep()).toBe(0);
  });

  it('leaves the GPUs of an allocation that are elsewhere free as well', async () => {
    const other = await openNode(service, { gpus: 1 });
    const gpuIds = [open.gpuIds[0], other.gpuIds[0]];
    await client.post('/v1/allocations').send({ gpuIds }).expect(201);
    await drain({ deadlineS: 0 }).expect(200);
    expect(await sweepers.drain.sweep()).toBe(1);
    await client.post('/v1/allocations').send({ gpuIds: other.gpuIds }).expect(201);
  });

  it('ends nothing any more once it is taken back, or put off', async () => {
    const { body: job } = await claim([0]).expect(201);
    await drain({ deadlineS: 0 }).expect(200);
    await drain({ deadlineS: 3600 }).expect(200);
    expect(await sweepers.drain.sweep()).toBe(0);
    await drain({ deadlineS: 0 }).expect(200);
    await undrain().expect(200);
    expect(await sweepers.drain.sweep()).toBe(0);
    await client.get(`/v1/allocations/${job.id}`).expect(200, job);
  });

  it('ends by itself where the service sweeps', async () => {
    const { body: job } = await claim([0]).expect(201);
    await drain({ deadlineS: 1 }).expect(200);
    const swept = await startService({}, service.database);
    await until('the drain is over', async () => {
      const { body } = await client.get(`/v1/allocations/${job.id}`);
      return body.endReason === 'drained';
    });
    await swept.stop();
  });
});

const claim = (places: number[], more: object = {}) =>
  client.post('/v1/allocations').send({ gpuIds: places.map((place) => open.gpuIds[place]), ...more });
const drain = (body: object) => service.as().post(`/v1/nodes/${open.node.id}/drain`).send(body);
const undrain = () =>
  service.as().patch(`/v1/nodes/${open.node.id}`).set('if-match', '*').send({ eligibility: 'eligible' });
