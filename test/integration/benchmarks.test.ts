import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addGpus, type GpuRow } from '../support/gpu-rows.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

const rtx4090 = { modelId: 'nvidia-rtx-4090-24gb' };

let service: TestService;
let operator: Client;
beforeAll(async () => {
  service = await startService();
  operator = service.as();
});
afterAll(() => service.stop());

describe('a benchmark result', () => {
  it('is stored with what it was measured under, 201', async () => {
    const { gpuIds, nodeId, providerId } = await addGpus(service.sql, [rtx4090]);
    const result = {
      ...resultOf(gpuIds[0]),
      environment: { driverVersion: '580.95.05', clocks: { smMhz: 2520 } },
      measuredAt: '2026-01-02T03:04:05+02:00',
    };
    const { body } = await operator.post('/v1/benchmarks').send(result).expect(201);
    expect(body).toEqual({
      ...result,
      id: expect.any(String),
      nodeId,
      providerId,
      modelId: rtx4090.modelId,
      percentileOfModel: null,
      outlier: false,
      measuredAt: '2026-01-02T01:04:05.000Z',
      source: expect.stringMatching(/^operator:[0-9a-f-]{36}$/),
      createdAt: expect.any(String),
    });
    const { rows } = await service.sql.query(
      `SELECT type, version::int, provider_id, node_id, diff -> 'after' ->> 'gpuId' AS gpu_id
         FROM inventory.change WHERE subject_id = $1`,
      [body.id],
    );
    expect(rows).toEqual([
      { type: 'benchmark.recorded', version: 1, provider_id: providerId, node_id: nodeId, gpu_id: gpuIds[0] },
    ]);
  });

  it('counts as measured when it arrives, unless it says when', async () => {
    const { gpuIds } = await addGpus(service.sql, [rtx4090]);
    const { body } = await operator.post('/v1/benchmarks').send(resultOf(gpuIds[0])).expect(201);
    expect(Date.parse(body.measuredAt)).toBeLessThanOrEqual(Date.parse(body.createdAt));
    expect(body.environment).toEqual({});
  });

  it('is stored once for one Idempotency-Key', async () => {
    const { gpuIds } = await addGpus(service.sql, [rtx4090]);
    const result = resultOf(gpuIds[0]);
    const send = () => operator.post('/v1/benchmarks').set('idempotency-key', 'b-1').send(result).expect(201);
    const [first, again] = [await send(), await send()];
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(await listed(`gpuId=${gpuIds[0]}`)).toHaveLength(1);
  });

  it('has the unit of the first result of its suite, version and metric, 400', async () => {
    const { gpuIds } = await addGpus(service.sql, [rtx4090]);
    const result = resultOf(gpuIds[0]);
    await operator
      .post('/v1/benchmarks')
      .send({ ...result, unit: 'GB/s' })
      .expect(201);
    const { body } = await operator
      .post('/v1/benchmarks')
      .send({ ...result, unit: 'GiB/s' })
      .expect(400);
    expect(body).toMatchObject({ code: 'benchmark.unit_mismatch', errors: [{ pointer: '/unit' }] });
    await operator
      .post('/v1/benchmarks')
      .send({ ...result, unit: 'GiB/s', suiteVersion: '2' })
      .expect(201);
  });

  it('does not fix a unit where it is refused', async () => {
    const { gpuIds } = await addGpus(service.sql, [rtx4090]);
    const result = resultOf(gpuIds[0]);
    await operator
      .post('/v1/benchmarks')
      .send({ ...result, gpuId: randomUUID(), unit: 'wrong' })
      .expect(404);
    await operator.post('/v1/benchmarks').send(result).expect(201);
  });

  it('of an unknown GPU is refused, 404', async () => {
    const { body } = await operator.post('/v1/benchmarks').send(resultOf(randomUUID())).expect(404);
    expect(body.code).toBe('gpu.not_found');
  });

  it.each([
    ['/gpuId', { gpuId: 'x' }],
    ['/suite', { suite: '' }],
    ['/suiteVersion', { suiteVersion: ' 1' }],
    ['/metric', { metric: 'a'.repeat(101) }],
    ['/value', { value: '12' }],
    ['/value', { value: 1e101 }],
    ['/unit', { unit: null }],
    ['/environment', { environment: [] }],
    ['/measuredAt', { measuredAt: 'yesterday' }],
    ['/measuredAt', { measuredAt: '9999-12-31T23:59:59Z' }],
    ['/measuredAt', { measuredAt: new Date(Date.now() + 320_000).toISOString() }],
    ['/score', { score: 1 }],
  ])('is refused naming %s for %j, 400', async (pointer, fault) => {
    const { gpuIds } = await addGpus(service.sql, [rtx4090]);
    const { body } = await operator
      .post('/v1/benchmarks')
      .send({ ...resultOf(gpuIds[0]), ...fault })
      .expect(400);
    expect(body.errors[0].pointer).toBe(pointer);
  });

  it('must be finite, 400', () =>
    operator
      .post('/v1/benchmarks')
      .set('content-type', 'application/json')
      .send(JSON.stringify(resultOf(randomUUID())).replace('"value":100', '"value":1e999'))
      .expect(400));

  it('may be measured a little ahead of our clock', async () => {
    const { gpuIds } = await addGpus(service.sql, [rtx4090]);
    const measuredAt = new Date(Date.now() + 240_000).toISOString();
    await operator
      .post('/v1/benchmarks')
      .send({ ...resultOf(gpuIds[0]), measuredAt })
      .expect(201);
  });

  it('is recorded by verifiers and operators alone, 403, with a key, 401', async () => {
    const { gpuIds, providerId } = await addGpus(service.sql, [rtx4090]);
    const result = resultOf(gpuIds[0]);
    await (await clientOf({ role: 'verifier' })).post('/v1/benchmarks').send(result).expect(201);
    await (await clientOf({ role: 'provider', providerId })).post('/v1/benchmarks').send(result).expect(403);
    await service.as(null).post('/v1/benchmarks').send(result).expect(401);
  });
});

describe('the percentile of a model', () => {
  it('is the share of the newest results of its GPUs that is at most the value', async () => {
    const { gpuIds, suite, record } = await population(Array(4).fill(rtx4090));
    for (const [index, gpuId] of gpuIds.entries()) await record(gpuId, (index + 1) * 10);
    const items = await listed(`suite=${suite}&sort=value`);
    expect(items.map(({ percentileOfModel }) => percentileOfModel)).toEqual([25, 50, 75, 100]);
  });

  it('counts only the newest measurement of each GPU, in whatever order they arrive', async () => {
    const { gpuIds, record } = await population([rtx4090, rtx4090]);
    await record(gpuIds[0], 10, '2026-01-02T00:00:00Z');
    await record(gpuIds[0], 99, '2026-01-01T00:00:00Z');
    expect((await record(gpuIds[1], 50)).percentileOfModel).toBe(100);
    expect((await record(gpuIds[0], 60)).percentileOfModel).toBe(100);
    expect((await record(gpuIds[1], 55)).percentileOfModel).toBe(50);
  });

  it('compares within one model, suite, version and metric', async () => {
    const { gpuIds, record } = await population([rtx4090, rtx4090, { modelId: 'nvidia-l4-24gb' }]);
    await record(gpuIds[0], 10);
    await record(gpuIds[2], 1);
    expect((await record(gpuIds[1], 20)).percentileOfModel).toBe(100);
  });

  it('is unknown for a GPU alone, and for uncatalogued ones', async () => {
    const { gpuIds, record } = await population([rtx4090, {}, {}]);
    for (const gpuId of gpuIds) expect((await record(gpuId, 10)).percentileOfModel).toBeNull();
  });
});

describe('an outlier', () => {
  it('is marked where it lies far from seven or more results of its model', async () => {
    const { gpuIds, suite, record } = await population([rtx4090, rtx4090]);
    for (let i = 0; i < 7; i++) expect((await record(gpuIds[i % 2], 100 + i)).outlier).toBe(false);
    expect((await record(gpuIds[0], 55)).outlier).toBe(true);
    expect((await record(gpuIds[1], 104)).outlier).toBe(false);
    expect(await listed(`suite=${suite}&outlier=true`)).toMatchObject([{ value: 55 }]);
  });

  it('is never found among uncatalogued GPUs, which may be anything', async () => {
    const { gpuIds, record } = await population([{}]);
    for (let i = 0; i < 8; i++) await record(gpuIds[0], 100 + i);
    expect((await record(gpuIds[0], 5)).outlier).toBe(false);
  });
});

describe('the list of benchmarks', () => {
  it('is filtered by everything that a result says, and sorted', async () => {
    const { gpuIds, nodeId, providerId, suite, record } = await population([rtx4090, rtx4090]);
    await record(gpuIds[0], 10, '2026-01-02T00:00:00Z');
    await record(gpuIds[1], 30, '2026-01-03T00:00:00Z');
    await record(gpuIds[1], 20, '2026-01-04T00:00:00Z');
    const found = async (query: string) =>
      (await listed(`suite=${suite}&${query}`)).map(({ value }) => value);
    expect(await found('sort=-value')).toEqual([30, 20, 10]);
    expect(await found('sort=-measuredAt&limit=2')).toEqual([20, 30]);
    expect(await found(`gpuId=${gpuIds[0]}`)).toEqual([10]);
    expect(await found(`nodeId=${nodeId}&providerId=${providerId}&value.gt=10&sort=value`)).toEqual([20, 30]);
    expect(
      await found('modelId=nvidia-rtx-4090-24gb&unit=points&measuredAt.lt=2026-01-03T00:00:00Z'),
    ).toEqual([10]);
    expect(await found('metric.ne=score')).toEqual([]);
    expect(await found('suiteVersion=9')).toEqual([]);
  });

  it('shows only the fields that were asked for', async () => {
    const { gpuIds, suite, record } = await population([rtx4090, rtx4090]);
    for (const gpuId of gpuIds) await record(gpuId, 10);
    const shown = await listed(`suite=${suite}&fields=percentileOfModel`);
    expect(shown).toEqual(Array(2).fill({ id: expect.any(String), percentileOfModel: 100 }));
  });

  it('shows a provider and an agent their own alone, everybody else all', async () => {
    const mine = await population([rtx4090]);
    await mine.record(mine.gpuIds[0], 10);
    const foreign = await population([rtx4090], mine.suite);
    await foreign.record(foreign.gpuIds[0], 20);
    const seen = async (key: object) => {
      const { body } = await (await clientOf(key))
        .get(`/v1/benchmarks?suite=${mine.suite}&sort=value`)
        .expect(200);
      return body.items.map(({ value }: { value: number }) => value);
    };
    const { providerId, nodeId } = mine;
    expect(await seen({ role: 'provider', providerId })).toEqual([10]);
    expect(await seen({ role: 'agent', nodeId, providerId })).toEqual([10]);
    expect(await seen({ role: 'viewer' })).toEqual([10, 20]);
  });

  it('refuses what it does not know, 400', async () => {
    const { body } = await operator.get('/v1/benchmarks?sort=unit').expect(400);
    expect(body.errors[0].pointer).toBe('sort');
  });
});

const resultOf = (gpuId: string | undefined, suite = `suite-${randomUUID()}`) => ({
  gpuId,
  suite,
  suiteVersion: '1',
  metric: 'score',
  value: 100,
  unit: 'points',
});

/** GPUs, and how to record a result of each in a suite of their own. */
async function population(gpus: GpuRow[], suite = `suite-${randomUUID()}`) {
  const added = await addGpus(service.sql, gpus);
  const record = async (gpuId: string | undefined, value: number, measuredAt?: string) => {
    const result = { ...resultOf(gpuId, suite), value, ...(measuredAt && { measuredAt }) };
    const { body } = await operator.post('/v1/benchmarks').send(result).expect(201);
    return body as { percentileOfModel: number | null; outlier: boolean };
  };
  return { ...added, suite, record };
}

async function listed(query: string): Promise<{ value: number; percentileOfModel: number | null }[]> {
  const { body } = await operator.get(`/v1/benchmarks?${query}`).expect(200);
  return body.items;
}

async function clientOf(key: object): Promise<Client> {
  const { body } = await operator
    .post('/v1/api-keys')
    .send({ name: 'test', ...key })
    .expect(201);
  return service.as(body.key);
}
