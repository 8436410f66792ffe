import { beforeEach, describe, expect, it } from '@jest/globals';
import { clientNetwork } from './client-address.ts';
import { FailureLimiter } from './failure-limiter.ts';
import { RateCounter } from './rate-counter.ts';
import { RateSharing } from './rate-sharing.ts';
import type { SharedCounters } from './shared-counters.ts';

let now: number;
const clock = { now: () => now };
beforeEach(() => {
  now = 120_000;
});

/** Counters as Redis keeps them, for any number of processes. */
function sharedCounters(): SharedCounters & { totals: Map<string, number> } {
  const totals = new Map<string, number>();
  return {
    totals,
    async add(increments) {
      return increments.map(({ key, by }) => {
        totals.set(key, (totals.get(key) ?? 0) + by);
        return totals.get(key) ?? 0;
      });
    },
  };
}

describe('RateCounter', () => {
  it('counts each key for itself and starts again with the next window', () => {
    const counter = new RateCounter(clock);
    expect(counter.hit('a')).toEqual({ count: 1, resetMs: 60_000 });
    now += 59_999;
    expect(counter.hit('a')).toEqual({ count: 2, resetMs: 1 });
    expect(counter.hit('b').count).toBe(1);
    now += 1;
    expect(counter.countOf('a')).toBe(0);
    expect(counter.hit('a')).toEqual({ count: 1, resetMs: 60_000 });
  });

  it('learns the hits of others, and tells each of its own once', async () => {
    const shared = sharedCounters();
    const [one, two] = [new RateCounter(clock), new RateCounter(clock)];
    for (let i = 0; i < 3; i++) one.hit('a');
    two.hit('a');
    await one.share(shared);
    await two.share(shared);
    await one.share(shared);
    expect(shared.totals.get('a:2')).toBe(4);
    expect(two.hit('a').count).toBe(5);
  });

  it('counts on while an exchange is under way', async () => {
    const counter = new RateCounter(clock);
    counter.hit('a');
    const shared = sharedCounters();
    const exchange = counter.share({
      async add(increments) {
        counter.hit('a');
        return shared.add(increments);
      },
    });
    await exchange;
    expect(counter.countOf('a')).toBe(2);
    await counter.share(shared);
    expect(shared.totals.get('a:2')).toBe(2);
  });
});

describe('RateSharing', () => {
  const log = () => {
    const lines: string[] = [];
    return { lines, info: (text: unknown) => lines.push(String(text)), warn: () => lines.push('failed') };
  };

  it('keeps the hits that could not be shared, and says so once', async () => {
    const counter = new RateCounter(clock);
    const shared = sharedCounters();
    let isDown = true;
    const flaky: SharedCounters = {
      add: (increments) => (isDown ? Promise.reject(new Error('down')) : shared.add(increments)),
    };
    const said = log();
    const sharing = new RateSharing(counter, flaky, said);
    counter.hit('a');
    await sharing.exchange();
    counter.hit('a');
    await sharing.exchange();
    isDown = false;
    await sharing.exchange();
    expect(shared.totals.get('a:2')).toBe(2);
    expect(said.lines).toEqual(['failed', 'rate limits are shared again']);
  });

  it('runs one exchange at a time, however long it hangs', () => {
    const counter = new RateCounter(clock);
    let calls = 0;
    const hanging: SharedCounters = {
      add: () => {
        calls += 1;
        return new Promise(() => {});
      },
    };
    const sharing = new RateSharing(counter, hanging, log());
    counter.hit('a');
    expect(sharing.exchange()).toBe(sharing.exchange());
    expect(calls).toBe(1);
    expect(counter.hit('a').count).toBe(2);
  });
});

describe('FailureLimiter', () => {
  it('says how long to wait from the failure after the last allowed one', () => {
    const failures = new FailureLimiter(clock, { limit: 2 });
    expect([failures.fail('192.0.2.1'), failures.isExhausted('192.0.2.1')]).toEqual([null, false]);
    expect([failures.fail('192.0.2.1'), failures.isExhausted('192.0.2.1')]).toEqual([null, true]);
    now += 10_000;
    expect(failures.fail('192.0.2.1')).toBe(50_000);
    expect(failures.fail('192.0.2.2')).toBeNull();
    now += 50_000;
    expect(failures.isExhausted('192.0.2.1')).toBe(false);
  });
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('the network of %s is %s', (address, network) => {
  expect(clientNetwork(address)).toBe(network);
});
