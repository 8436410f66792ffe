import { describe, expect, it } from '@jest/globals';
import {
  breakerTrips,
  intervalMs,
  intervalOf,
  jittered,
  reachabilityProved,
  strained,
  windowMs,
} from './domain.ts';

describe('the interval', () => {
  const pacing = { minIntervalS: 10, targetRate: 1000 };

  it('is the least one while the fleet is small, then nodes by target rate', () => {
    expect([0, 1, 10_000].map((nodes) => intervalMs(nodes, pacing))).toEqual([10_000, 10_000, 10_000]);
    expect(intervalMs(25_000, pacing)).toBe(25_000);
    expect(intervalMs(10_001, { minIntervalS: 1, targetRate: 1 })).toBe(10_001_000);
  });

  it('is stretched by up to a half, so that the deadline is at least half an interval away', () => {
    expect([0, 0.5, 1].map((random) => jittered(10_000, random))).toEqual([10_000, 12_500, 15_000]);
    expect(windowMs(10_000) - jittered(10_000, 1)).toBe(5000);
    expect(intervalOf(windowMs(10_000))).toBe(10_000);
  });

  it('grows up to four times with the second half of the queue', () => {
    const shares = [0, 0.5, 0.75, 1];
    expect(shares.map((share) => strained(10_000, share))).toEqual([10_000, 10_000, 25_000, 40_000]);
  });
});

describe('the breaker', () => {
  const breaker = { breakerShare: 0.2, breakerMinNodes: 3 };
  const trips = (expiring: number, watched: number) => breakerTrips({ expiring, watched }, breaker);

  it('trips beyond the share, not at it', () => {
    expect([trips(20, 100), trips(21, 100), trips(100, 100)]).toEqual([false, true, true]);
  });

  it('never trips for fewer nodes than it needs', () => {
    expect([trips(0, 0), trips(2, 2), trips(3, 3)]).toEqual([false, false, true]);
  });

  it('is released by proof once enough were heard again, at the share', () => {
    const proved = (unheard: number, share = 0.5) => reachabilityProved({ nodes: 10, unheard }, share);
    expect([proved(6), proved(5), proved(0)]).toEqual([false, true, true]);
    expect([proved(1, 1), proved(0, 1)]).toEqual([false, true]);
  });
});
