import { beforeEach, describe, expect, it } from '@jest/globals';
import { Breaker } from './breaker.ts';

describe('Breaker', () => {
  let now: number;
  let breaker: Breaker;
  const fail = (times: number) => Array.from({ length: times }, () => breaker.failed());

  beforeEach(() => {
    now = 0;
    breaker = new Breaker({ clock: { now: () => now }, failures: 5, openMs: 2000 });
  });

  it('admits calls through four failures in a row', () => {
    fail(4);
    expect(breaker.admits()).toBe(true);
  });

  it('counts failures in a row only', () => {
    fail(4);
    breaker.succeeded();
    fail(4);
    expect(breaker.admits()).toBe(true);
  });

  it('admits nothing for 2 s after the fifth, then one probe', () => {
    fail(5);
    now = 1999;
    expect(breaker.admits()).toBe(false);
    now = 2000;
    expect([breaker.admits(), breaker.admits()]).toEqual([true, false]);
  });

  it('waits again after a failed probe and closes after a good one', () => {
    fail(5);
    now = 2000;
    breaker.admits();
    breaker.failed();
    now = 3999;
    expect(breaker.admits()).toBe(false);
    now = 4000;
    expect(breaker.admits()).toBe(true);
    breaker.succeeded();
    expect([breaker.admits(), breaker.admits()]).toEqual([true, true]);
  });
});
