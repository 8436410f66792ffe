import { describe, expect, it } from '@jest/globals';
import { busyPercent, localHost } from './host.ts';

describe('busyPercent', () => {
  it('is the share of time that was not idle between two readings', () => {
    expect(busyPercent({ idle: 100, total: 200 }, { idle: 130, total: 240 })).toBe(25);
  });

  it('is unknown where no time has passed', () => {
    expect(busyPercent({ idle: 100, total: 200 }, { idle: 100, total: 200 })).toBeNull();
  });
});

describe('localHost', () => {
  it('knows this machine, and its CPU use from the second reading on', async () => {
    const host = localHost();
    expect(await host.facts()).toMatchObject({
      cpuCores: expect.any(Number),
      memoryTotalMb: expect.any(Number),
    });
    const first = await host.metrics();
    expect(first.cpuUtilization).toBeNull();
    expect(first.memoryUtilization).toBeGreaterThan(0);
    expect(first.memoryUtilization).toBeLessThanOrEqual(100);
  });
});
