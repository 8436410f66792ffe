import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { order } from '../support/filter-rows.ts';
import { createKey } from '../support/fleet.ts';
import { type KnownGpu, randomFleet } from '../support/gpu-fleet.ts';
import { conditionOn, passes, queryOf, type Value } from '../support/gpu-oracle.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let fleet: KnownGpu[];
beforeAll(async () => {
  service = await startService();
  fleet = await randomFleet(service, 150, 42);
});
afterAll(() => service.stop());

const ids = (gpus: readonly KnownGpu[]) => gpus.map(({ id }) => id).toSorted();

describe('GET /v1/gpus', () => {
  it('finds what plain reading of the fleet finds, whatever the filters', async () => {
    const conditions = fc.uniqueArray(conditionOn(fleet), {
      selector: ({ field, operator }) => `${field}.${operator}`,
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(conditions, async (asked) => {
        const everybody = asked.some(({ field }) => field === 'lifecycle');
        const shown = fleet.filter(({ lifecycle }) => everybody || lifecycle !== 'retired');
        const expected = shown.filter((gpu) => asked.every((one) => passes(gpu, one)));
        const { body } = await service
          .as()
          .get('/v1/gpus')
          .query({ ...queryOf(asked), limit: 500, fields: 'id' })
          .expect(200);
        expect(ids(body.items)).toEqual(ids(expected));
      }),
      { numRuns: 250 },
    );
  });

  it('understands the short names of everyday use', async () => {
    const shorts: [Record<string, string>, (gpu: KnownGpu) => boolean][] = [
      [{ minMemoryMb: '24576' }, (gpu) => Number(gpu.memoryTotalMb) >= 24_576],
      [{ regions: 'eu,us-east' }, (gpu) => gpu.region === 'eu' || gpu.region === 'us-east'],
      [
        { minReputation: '0.1' },
        (gpu) => gpu.reputation !== null && Math.fround(gpu.reputation) >= Math.fround(0.1),
      ],
      [
        { maxPricePerHourNanoUsd: '250000000' },
        (gpu) => gpu.pricePerHourNanoUsd !== null && Number(gpu.pricePerHourNanoUsd) <= 250_000_000,
      ],
      [{ minVerificationLevel: '2' }, (gpu) => Number(gpu.verificationLevel) >= 2],
      [{ model: 'rtx 4090' }, (gpu) => gpu.modelId === 'nvidia-rtx-4090-24gb'],
      [{ model: 'nvidia-rtx-4090-24gb' }, (gpu) => gpu.modelId === 'nvidia-rtx-4090-24gb'],
      [{ 'model.ne': 'RTX 4090' }, (gpu) => gpu.modelId !== 'nvidia-rtx-4090-24gb'],
      [{ model: 'uncatalogued' }, (gpu) => gpu.modelId === 'uncatalogued'],
      [
        { 'model.in': 'rtx 3090,MI300X' },
        (gpu) => ['nvidia-rtx-3090-24gb', 'amd-mi300x-192gb'].includes(String(gpu.modelId)),
      ],
      [{ q: 'geforce' }, (gpu) => String(gpu.name).includes('GeForce')],
      [{ q: 'home-MADE' }, (gpu) => gpu.name === 'Home-made accelerator'],
      [{ q: '%' }, () => false],
      [{ 'labels.rack': 'x' }, (gpu) => (gpu.labels as Record<string, string>).rack === 'x'],
      [{ 'labels.zone/a.ne': 'x' }, (gpu) => (gpu.labels as Record<string, string>)['zone/a'] === 'y'],
    ];
    for (const [query, wanted] of shorts) {
      const { body } = await service
        .as()
        .get('/v1/gpus')
        .query({ ...query, limit: 500 })
        .expect(200);
      expect([query, ids(body.items)]).toEqual([
        query,
        ids(fleet.filter((gpu) => gpu.lifecycle !== 'retired' && wanted(gpu))),
      ]);
    }
  });

  it('refuses what it does not know, naming it', async () => {
    const faults = [
      'colour',
      'specs.memoryTotalMb',
      'memoryTotalMb.like',
      'vendor.gt',
      'labels',
      'minVram',
      'schedulable.in',
    ];
    for (const name of faults) {
      const { body } = await service
        .as()
        .get('/v1/gpus')
        .query({ [name]: '1' })
        .expect(400);
      expect(body.errors[0].pointer).toBe(name);
    }
    for (const [name, value] of [
      ['limit', '501'],
      ['limit', '0'],
      ['sort', 'colour'],
      ['fields', 'colour'],
      ['memoryTotalMb', 'x'],
      ['nodeId', 'x'],
    ]) {
      const { body } = await service
        .as()
        .get('/v1/gpus')
        .query({ [String(name)]: value })
        .expect(400);
      expect(body.errors[0].pointer).toBe(name);
    }
  });

  it('meets each GPU once in every documented order, page by page', async () => {
    const read: Record<string, (gpu: KnownGpu) => Value | null> = {
      id: ({ id }) => id,
      name: ({ name }) => String(name),
      modelId: ({ modelId }) => String(modelId),
      memoryTotalMb: ({ memoryTotalMb }) => (memoryTotalMb as number | null) ?? null,
      pricePerHourNanoUsd: (gpu) =>
        gpu.pricePerHourNanoUsd === null ? null : Number(gpu.pricePerHourNanoUsd),
      createdAt: ({ createdAt }) => String(createdAt),
    };
    const shown = fleet.filter((gpu) => gpu.lifecycle !== 'retired');
    for (const name of Object.keys(read)) {
      for (const sort of [name, `-${name}`]) {
        const walked = await walk({ sort, limit: '17' });
        expect(ids(walked)).toEqual(ids(shown));
        const values = walked.map((gpu) => read[name]?.(gpu) ?? null);
        const known = values.filter((value) => value !== null);
        const direction = sort === name ? 1 : -1;
        expect(known).toEqual(known.toSorted((a, b) => direction * order(a, b)));
        expect(values.slice(0, known.length)).toEqual(known);
      }
    }
  });

  it('takes a cursor back only for the list that it is of, and as often as wanted', async () => {
    const { body, headers } = await service
      .as()
      .get('/v1/gpus')
      .query({ limit: 5, vendor: 'nvidia' })
      .expect(200);
    expect(headers.link).toContain('rel="next"');
    const next = () =>
      service.as().get('/v1/gpus').query({ limit: 5, vendor: 'nvidia', cursor: body.nextCursor });
    expect((await next().expect(200)).body.items).toEqual((await next().expect(200)).body.items);
    for (const query of [{ vendor: 'amd' }, { vendor: 'nvidia', sort: '-id' }, {}]) {
      const refused = await service
        .as()
        .get('/v1/gpus')
        .query({ ...query, cursor: body.nextCursor })
        .expect(400);
      expect(refused.body.code).toBe('request.invalid_cursor');
    }
    const key = await createKey(service, { role: 'provider', providerId: String(fleet[0]?.providerId) });
    await service.as(key).get('/v1/gpus').query({ vendor: 'nvidia', cursor: body.nextCursor }).expect(400);
  });

  it('shows a provider and an agent their own GPUs, and keeps to the fields asked for', async () => {
    const [gpu] = fleet as [KnownGpu];
    const provider = await createKey(service, { role: 'provider', providerId: String(gpu.providerId) });
    const agent = await createKey(service, { role: 'agent', nodeId: String(gpu.nodeId) });
    const all = { 'lifecycle.in': 'active,maintenance,retired', limit: 500 };
    const own = await service.as(provider).get('/v1/gpus').query(all).expect(200);
    expect(ids(own.body.items)).toEqual(ids(fleet.filter(({ providerId }) => providerId === gpu.providerId)));
    const local = await service
      .as(agent)
      .get('/v1/gpus')
      .query({ ...all, fields: 'name' })
      .expect(200);
    expect(ids(local.body.items)).toEqual(ids(fleet.filter(({ nodeId }) => nodeId === gpu.nodeId)));
    expect(Object.keys(local.body.items[0]).toSorted()).toEqual(['id', 'name']);
  });
});

interface Page {
  items: KnownGpu[];
  nextCursor: string | null;
}

async function walk(query: Record<string, string>): Promise<KnownGpu[]> {
  const walked: KnownGpu[] = [];
  let cursor: string | null = null;
  do {
    const { body }: { body: Page } = await service
      .as()
      .get('/v1/gpus')
      .query(cursor === null ? query : { ...query, cursor })
      .expect(200);
    walked.push(...body.items);
    cursor = body.nextCursor;
  } while (cursor !== null && walked.length <= 500);
  return walked;
}
