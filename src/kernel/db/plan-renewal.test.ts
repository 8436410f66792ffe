import { describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { PlanRenewal } from './plan-renewal.ts';

function setup() {
  const told: string[] = [];
  const clock = { ms: 0, now: () => clock.ms };
  const connection = (name: string) =>
    ({ query: async (text: string) => void told.push(`${name}: ${text}`) }) as unknown as pg.PoolClient;
  return { told, clock, connection, plans: new PlanRenewal(clock) };
}

describe('plans', () => {
  it('are forgotten by each connection half a minute after it was first used, and every half minute from then', async () => {
    const { told, clock, connection, plans } = setup();
    const [one, two] = [connection('one'), connection('two')];
    await plans.renew(one);
    clock.ms = 29_999;
    await plans.renew(one);
    await plans.renew(two);
    expect(told).toEqual([]);
    clock.ms = 30_000;
    await plans.renew(one);
    await plans.renew(one);
    await plans.renew(two);
    expect(told).toEqual(['one: DISCARD PLANS']);
    clock.ms = 60_000;
    await plans.renew(one);
    await plans.renew(two);
    expect(told.slice(1)).toEqual(['one: DISCARD PLANS', 'two: DISCARD PLANS']);
  });
});
