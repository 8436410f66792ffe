import { describe, expect, it } from '@jest/globals';
import { type FakeOptions, fakeDriver, parseFakeStates } from './fake-driver.ts';

/** The first `count` snapshots of one driver. */
async function readings(options: FakeOptions, count = 2, scope = 'node-1') {
  const driver = fakeDriver(options);
  return [...Array(count)].reduce<Promise<Awaited<ReturnType<typeof driver.read>>['gpus'][]>>(
    async (before) => [...(await before), (await driver.read(scope)).gpus],
    Promise.resolve([]),
  );
}

describe('fakeDriver', () => {
  it('repeats itself for equal seed and scope, and differs otherwise', async () => {
    const states = parseFakeStates('healthy,hot,mig');
    const first = await readings({ states, seed: 'a' });
    expect(await readings({ states, seed: 'a' })).toEqual(first);
    expect(await readings({ states, seed: 'b' })).not.toEqual(first);
    expect(await readings({ states, seed: 'a' }, 2, 'node-2')).not.toEqual(first);
  });

  it('varies its readings, never its hardware', async () => {
    const [before, after] = await readings({ states: parseFakeStates('healthy,healthy') });
    expect(after?.map(({ telemetry, ...hardware }) => hardware)).toEqual(
      before?.map(({ telemetry, ...hardware }) => hardware),
    );
    expect(after).not.toEqual(before);
  });

  it('loses a GPU after the first reading, and leaves the rest', async () => {
    const [before, after] = await readings({ states: parseFakeStates('healthy,lost') });
    expect(before).toHaveLength(2);
    expect(after?.map(({ uuid }) => uuid)).toEqual([before?.[0]?.uuid]);
  });

  it('swaps a GPU for another in the same slot', async () => {
    const [before, after] = await readings({ states: parseFakeStates('swapped') });
    expect(after?.[0]?.pciBusId).toBe(before?.[0]?.pciBusId);
    expect(after?.[0]?.uuid).not.toBe(before?.[0]?.uuid);
  });

  it('changes when told to', async () => {
    const counts = (await readings({ states: ['lost'], changeAfter: 3 }, 4)).map((gpus) => gpus.length);
    expect(counts).toEqual([1, 1, 1, 0]);
  });

  it('shows heat, an Xid, and a 4090 of 12 GB', async () => {
    const [gpus] = await readings({ states: parseFakeStates('hot,xid:48,spoofed') });
    expect(gpus?.[0]?.telemetry.temperatureC).toBeGreaterThan(90);
    expect(gpus?.[1]?.telemetry.xidErrors).toEqual([48]);
    expect(gpus?.[2]).toMatchObject({
      name: 'NVIDIA GeForce RTX 4090',
      pciDeviceId: '10de:2684',
      specs: { memoryTotalMb: 12_288 },
    });
  });

  it('cuts a MIG GPU into partitions that name it', async () => {
    const [gpus = []] = await readings({ states: ['mig'] });
    const [parent, ...partitions] = gpus;
    expect(parent).toMatchObject({ capabilities: { supportsMig: true }, telemetry: { utilization: null } });
    expect(partitions.map(({ parentUuid }) => parentUuid)).toEqual(Array(4).fill(parent?.uuid));
    expect(new Set(gpus.map(({ uuid }) => uuid)).size).toBe(5);
  });
});

describe('parseFakeStates', () => {
  it('reads a list, with 79 as the Xid of choice', () => {
    expect(parseFakeStates('healthy, HOT,xid,xid:48')).toEqual(['healthy', 'hot', 'xid:79', 'xid:48']);
  });

  it('names the word that it does not know', () => {
    expect(() => parseFakeStates('healthy,broken')).toThrow('"broken" is no state');
  });
});
