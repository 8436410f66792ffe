import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addGpuTo, createKey, createNode, type TestNode } from '../support/fleet.ts';
import { type Client, startService, type TestService } from '../support/service.ts';
import { dayMs, hourAgo, iso, newMetric } from '../support/usage.ts';

let service: TestService;
let operator: Client;
let node: TestNode;
let gpu: string;
beforeAll(async () => {
  service = await startService();
  operator = service.as();
  node = await createNode(service);
  gpu = await addGpuTo(service, node, 'GPU-1');
});
afterAll(() => service.stop());

const sampleOf = (metric: string, value: number, at: number | string, more: object = {}) => ({
  gpuId: gpu,
  metric,
  value,
  unit: 'W',
  at: typeof at === 'number' ? iso(at) : at,
  ...more,
});

const record = (samples: object[], client = operator) =>
  client.post('/v1/usage-metrics').send({ samples }).expect(202);

describe('recording samples', () => {
  it('stores them and says how many, 202', async () => {
    const metric = newMetric();
    const at = Date.now() - 60_000;
    const { body } = await record([sampleOf(metric, 1, at), sampleOf(metric, 2.5, at + 1000)]);
    expect(body).toEqual({ accepted: 2, duplicates: 0, rejected: [] });
    expect(await stored(metric)).toEqual([1, 2.5]);
  });

  it('ignores and counts duplicates, within a batch and of earlier ones; the first one counts', async () => {
    const metric = newMetric();
    const at = hourAgo(1);
    const batch = [sampleOf(metric, 1, at), sampleOf(metric, 9, at), sampleOf(metric, 2, at + 1000)];
    expect((await record(batch)).body).toMatchObject({ accepted: 2, duplicates: 1 });
    expect((await record([...batch, sampleOf(metric, 3, at + 2000)])).body).toMatchObject({
      accepted: 1,
      duplicates: 3,
    });
    const last = [
      sampleOf(metric, 4, at - 1000),
      sampleOf(metric, 9, at + 2000),
      sampleOf(metric, 9, at - 1000),
    ];
    expect((await record(last)).body).toMatchObject({ accepted: 1, duplicates: 2 });
    expect(await stored(metric)).toEqual([4, 1, 2, 3]);
  });

  it('takes one moment for the same however it is written', async () => {
    const metric = newMetric();
    const at = iso(hourAgo(1));
    const offset = at.replace('Z', '+00:00');
    const finer = at.replace('.000Z', '.0000009Z');
    const { body } = await record([
      sampleOf(metric, 1, at),
      sampleOf(metric, 2, offset),
      sampleOf(metric, 3, finer),
    ]);
    expect(body).toMatchObject({ accepted: 1, duplicates: 2 });
  });

  it('fixes the unit of a metric by its first sample that is stored; others are rejected, the rest is stored', async () => {
    const metric = newMetric();
    const at = hourAgo(1);
    const { body } = await record([
      sampleOf(metric, 1, at, { gpuId: randomUUID(), unit: 'mW' }),
      sampleOf(metric, 2, at, { unit: 'kW' }),
      sampleOf(metric, 3, at + 1000),
      sampleOf(metric, 4, at + 2000, { unit: 'kW' }),
    ]);
    expect(body).toEqual({
      accepted: 2,
      duplicates: 0,
      rejected: [
        { index: 0, reason: 'unknown_gpu', detail: 'is not a GPU of this key' },
        { index: 2, reason: 'unit_mismatch', detail: `the unit of ${metric} is kW` },
      ],
    });
    expect((await record([sampleOf(metric, 5, at + 3000)])).body.rejected).toMatchObject([{ index: 0 }]);
    expect(await stored(metric)).toEqual([2, 4]);
  });

  it('rejects what is older than samples are kept, or over 5 minutes ahead', async () => {
    const metric = newMetric();
    const now = Date.now();
    const { body } = await record([
      sampleOf(metric, 1, now - 30 * dayMs - 60_000),
      sampleOf(metric, 2, now - 30 * dayMs + 60_000),
      sampleOf(metric, 3, now + 4 * 60_000),
      sampleOf(metric, 4, now + 6 * 60_000),
      sampleOf(metric, 5, '0001-01-01T00:00:00Z'),
      sampleOf(metric, 6, '9999-12-31T23:59:59Z'),
    ]);
    expect(body).toMatchObject({
      accepted: 2,
      rejected: [
        { index: 0, reason: 'too_old' },
        { index: 3, reason: 'too_far_ahead' },
        { index: 4, reason: 'too_old' },
        { index: 5, reason: 'too_far_ahead' },
      ],
    });
  });

  it('makes the partitions that it needs, out of order and at once', async () => {
    const metric = newMetric();
    const batch = [29, 3, 17, 8, 25].map((days) => sampleOf(metric, days, Date.now() - days * dayMs));
    const answers = await Promise.all([record(batch), record(batch)]);
    expect(answers.reduce((sum, { body }) => sum + body.accepted, 0)).toBe(5);
    expect(await stored(metric)).toEqual([29, 25, 17, 8, 3]);
  });

  it('is for the GPUs of an agent’s own node, and of a provider’s own', async () => {
    const [metric, at] = [newMetric(), Date.now()];
    const neighbour = await createNode(service, node.providerId);
    const foreign = await createNode(service);
    const gpuIds = [
      gpu,
      await addGpuTo(service, neighbour, 'GPU-2'),
      await addGpuTo(service, foreign, 'GPU-3'),
    ];
    const batch = gpuIds.map((gpuId, index) => sampleOf(metric, index, at + index, { gpuId }));
    const rejectedFor = async (key: string) =>
      (await record(batch, service.as(key))).body.rejected.map(({ index }: { index: number }) => index);
    expect(await rejectedFor(node.key)).toEqual([1, 2]);
    const provider = await createKey(service, { role: 'provider', providerId: node.providerId });
    expect(await rejectedFor(provider)).toEqual([2]);
    expect(await rejectedFor(foreign.key)).toEqual([0, 1]);
  });

  it('takes 10,000 in one batch and no more', async () => {
    const metric = newMetric();
    const at = hourAgo(30);
    const batch = Array.from({ length: 10_000 }, (_, index) => sampleOf(metric, index, at + index * 1000));
    expect((await record(batch)).body).toEqual({ accepted: 10_000, duplicates: 0, rejected: [] });
    expect((await record(batch)).body).toEqual({ accepted: 0, duplicates: 10_000, rejected: [] });
    await operator
      .post('/v1/usage-metrics')
      .send({ samples: [...batch, sampleOf(metric, 1, at)] })
      .expect(400);
  });

  it('takes 10,000 of the longest samples', async () => {
    const metric = newMetric().padEnd(64, 'x');
    const unit = 'u'.repeat(32);
    const batch = Array.from({ length: 10_000 }, (_, index) =>
      sampleOf(metric, -1234567.8901234567 - index, iso(hourAgo(3) + index).replace('Z', '999999+00:00'), {
        unit,
      }),
    );
    expect((await record(batch)).body.accepted).toBe(10_000);
  });

  it.each([
    ['metric', { metric: 'Power' }],
    ['value', { value: 1.5e101 }],
    ['at', { at: '2026-02-30T00:00:00Z' }],
    ['gpuId', { gpuId: 'GPU-1' }],
    ['unit', { unit: '' }],
    ['provider', { provider: 'mine' }],
  ])('names what is malformed, 400: %s', async (name, wrong) => {
    const good = sampleOf('power', 1, Date.now());
    const answer = await operator
      .post('/v1/usage-metrics')
      .send({ samples: [good, { ...good, ...wrong }] })
      .expect(400);
    expect(answer.body.errors).toMatchObject([{ pointer: `/samples/1/${name}` }]);
  });

  it('takes at least one sample, 400', async () => {
    await operator.post('/v1/usage-metrics').send({ samples: [] }).expect(400);
  });

  it('is not for tenants, verifiers or viewers, 403', async () => {
    for (const role of ['verifier', 'viewer'])
      await service
        .as(await createKey(service, { role }))
        .post('/v1/usage-metrics')
        .send({ samples: [sampleOf('power', 1, 0)] })
        .expect(403);
  });
});

describe('exactly once', () => {
  it('with one Idempotency-Key: the same answer again', async () => {
    const metric = newMetric();
    const send = () =>
      operator
        .post('/v1/usage-metrics')
        .set('idempotency-key', metric)
        .send({ samples: [sampleOf(metric, 1, hourAgo(1))] })
        .expect(202);
    const [first, again] = [await send(), await send()];
    expect(first.body.accepted).toBe(1);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  it('with ten equal batches at once', async () => {
    const metric = newMetric();
    const batch = Array.from({ length: 500 }, (_, index) =>
      sampleOf(metric, index, hourAgo(2) + index * 1000),
    );
    const answers = await Promise.all(Array.from({ length: 10 }, () => record(batch)));
    expect(answers.reduce((sum, { body }) => sum + body.accepted, 0)).toBe(500);
    expect(answers.reduce((sum, { body }) => sum + body.duplicates, 0)).toBe(4500);
    expect(await stored(metric)).toHaveLength(500);
  });

  it('with overlapping batches in opposite orders at once: no deadlock is seen', async () => {
    const metric = newMetric();
    const batch = Array.from({ length: 300 }, (_, index) =>
      sampleOf(metric, index, hourAgo(20 - (index % 15)) + index * 1000),
    );
    const orders = Array.from({ length: 8 }, (_, turn) => (turn % 2 ? batch : batch.toReversed()));
    const answers = await Promise.all(orders.map((samples) => record(samples)));
    expect(answers.reduce((sum, { body }) => sum + body.accepted, 0)).toBe(300);
  });

  it.each([
    ['an error', `RAISE EXCEPTION 'injected'`, [500]],
    ['the death of its connection', 'PERFORM pg_terminate_backend(pg_backend_pid())', [503]],
  ])('after %s between deduplication and commit, and a retry', async (_fault, statement, statuses) => {
    const metric = newMetric();
    const samples = [0, 1, 2].map((second) => sampleOf(metric, second, hourAgo(4) + second * 1000));
    await record([sampleOf(metric, 9, hourAgo(5))]);
    const mend = await breakNextCommit(statement);
    const first = await operator.post('/v1/usage-metrics').send({ samples });
    expect(statuses).toContain(first.status);
    expect(await stored(metric)).toEqual([9]);
    expect((await record(samples)).body).toMatchObject({ accepted: 3, duplicates: 0 });
    expect((await record(samples)).body).toMatchObject({ accepted: 0, duplicates: 3 });
    await mend();
    const { body } = await query({
      metric,
      from: iso(hourAgo(4)),
      to: iso(hourAgo(3)),
      step: '1h',
      agg: 'count',
    });
    expect(body.series[0].points).toEqual([{ at: iso(hourAgo(4)), value: 3 }]);
  });

  it('by itself, with an Idempotency-Key, when its connection dies at the commit', async () => {
    const metric = newMetric();
    const mend = await breakNextCommit('PERFORM pg_terminate_backend(pg_backend_pid())');
    const { body } = await operator
      .post('/v1/usage-metrics')
      .set('idempotency-key', metric)
      .send({ samples: [sampleOf(metric, 1, hourAgo(4))] })
      .expect(202);
    await mend();
    expect(body).toMatchObject({ accepted: 1, duplicates: 0 });
    expect(await stored(metric)).toEqual([1]);
  });

  it('fixes one unit when two are sent first at once', async () => {
    const metric = newMetric();
    const units = ['W', 'kW', 'mW', 'BTU/h'];
    const answers = await Promise.all(
      units.map((unit, index) => record([sampleOf(metric, index, hourAgo(1) + index, { unit })])),
    );
    expect(answers.reduce((sum, { body }) => sum + body.accepted, 0)).toBe(1);
    expect(answers.flatMap(({ body }) => body.rejected)).toHaveLength(3);
  });
});

/** Makes the next transaction that marks a late hour fail at its COMMIT, once; answers how to take that back. */
async function breakNextCommit(statement: string): Promise<() => Promise<void>> {
  await service.sql.query(`
    CREATE SEQUENCE faults;
    CREATE FUNCTION inject() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN IF nextval('faults') = 1 THEN ${statement}; END IF; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER fault AFTER INSERT ON inventory.metric_late DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION inject()`);
  return async () => {
    await service.sql.query(
      'DROP TRIGGER fault ON inventory.metric_late; DROP FUNCTION inject(); DROP SEQUENCE faults',
    );
  };
}

const query = (parameters: Record<string, string>, client = operator) =>
  client.get(`/v1/usage-metrics?${new URLSearchParams(parameters)}`);

/** Values of a metric in the order of time. */
async function stored(metric: string): Promise<number[]> {
  const { rows } = await service.sql.query<{ value: number }>(
    `SELECT value FROM inventory.metric_sample s JOIN inventory.metric m ON m.id = s.metric_id
      WHERE m.name = $1 ORDER BY at`,
    [metric],
  );
  return rows.map(({ value }) => value);
}
