import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { expectedAvailability, type Grouping } from '../support/availability-oracle.ts';
import { createKey } from '../support/fleet.ts';
import { type KnownGpu, randomFleet } from '../support/gpu-fleet.ts';
import { conditionOn, passes, queryOf } from '../support/gpu-oracle.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let fleet: KnownGpu[];
beforeAll(async () => {
  service = await startService({ SWEEP_INTERVAL_MS: '3600000' });
  fleet = await randomFleet(service, 300, 5, [3, 2, 1]);
});
afterAll(() => service.stop());

const ask = (query: object, key?: string) => service.as(key).get('/v1/availability').query(query);

const grouping = fc.uniqueArray(fc.constantFrom<Grouping>('model', 'region', 'provider'), { minLength: 1 });

describe('GET /v1/availability', () => {
  it('counts what plain reading of the fleet counts, by whatever, of whatever', async () => {
    const conditions = fc.uniqueArray(conditionOn(fleet), { selector: ({ field }) => field, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(grouping, conditions, async (by, asked) => {
        const everybody = asked.some(({ field }) => field === 'lifecycle');
        const shown = fleet.filter(
          (gpu) =>
            (everybody || gpu.lifecycle !== 'retired') && asked.every((condition) => passes(gpu, condition)),
        );
        const { body } = await ask({ ...queryOf(asked), groupBy: by.join() }).expect(200);
        expect(body).toEqual(expectedAvailability(shown, by));
      }),
      { numRuns: 120 },
    );
  });

  it('counts by model unless told otherwise, and shows as many groups as asked for', async () => {
    const shown = fleet.filter(({ lifecycle }) => lifecycle !== 'retired');
    const expected = expectedAvailability(shown, ['model']);
    expect((await ask({}).expect(200)).body).toEqual(expected);
    const { body } = await ask({ limit: 2 }).expect(200);
    expect(body).toEqual({ items: expected.items.slice(0, 2), groups: expected.groups });
    expect((await ask({ region: 'nowhere' }).expect(200)).body).toEqual({ items: [], groups: 0 });
  });

  it('counts for a provider its own GPUs, and for an agent those of its node', async () => {
    const [{ providerId, nodeId }] = fleet as [KnownGpu];
    const own = fleet.filter((gpu) => gpu.lifecycle !== 'retired' && gpu.providerId === providerId);
    const provider = await createKey(service, { role: 'provider', providerId: String(providerId) });
    expect((await ask({}, provider).expect(200)).body).toEqual(expectedAvailability(own, ['model']));
    const agent = await createKey(service, { role: 'agent', nodeId: String(nodeId) });
    const local = own.filter((gpu) => gpu.nodeId === nodeId);
    expect((await ask({}, agent).expect(200)).body).toEqual(expectedAvailability(local, ['model']));
  });

  it('answers 400 naming what it does not know', async () => {
    for (const [name, value] of [
      ['colour', 'red'],
      ['groupBy', 'colour'],
      ['groupBy', 'model,model'],
      ['groupBy', ''],
      ['limit', '0'],
      ['limit', '1001'],
      ['minMemoryMb', 'much'],
    ]) {
      const { body } = await ask({ [String(name)]: value }).expect(400);
      expect([name, value, body.errors[0].pointer]).toEqual([name, value, name]);
    }
  });
});
