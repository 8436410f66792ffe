import { beforeEach, describe, expect, it } from '@jest/globals';
import { Echoes, type Ping } from './echoes.ts';

describe('Echoes', () => {
  let now: number;
  let here: Echoes;
  let there: Echoes;
  /** The other replica's clock runs an hour ahead; nobody compares clocks. */
  const ahead = 3_600_000;

  beforeEach(() => {
    now = 10_000;
    here = new Echoes('here', { now: () => now });
    there = new Echoes('there', { now: () => now + ahead });
  });

  const say = (ping: Ping) => [here, there].map((replica) => replica.hear(ping));
  const round = () => {
    say(here.ping());
    say(there.ping());
    say(here.ping());
  };

  it('is complete for one replica once its own ping has come back', () => {
    expect(here.complete(1)).toBe(false);
    here.hear(here.ping());
    expect(here.complete(1)).toBe(true);
    expect(here.complete(0)).toBe(true);
  });

  it('is not complete while the table counts a replica that nobody has heard', () => {
    here.hear(here.ping());
    expect(here.complete(2)).toBe(false);
    round();
    expect(here.complete(2)).toBe(true);
  });

  it('ends when its own pings stop coming back', () => {
    here.hear(here.ping());
    now += 1500;
    expect(here.complete(1)).toBe(true);
    now += 1;
    expect(here.complete(1)).toBe(false);
  });

  it('ends when a known replica falls silent, even if the table does not count it', () => {
    round();
    now += 1501;
    here.hear(here.ping());
    expect(here.complete(1)).toBe(false);
  });

  it('does not take pings that were under way for long for fresh ones', () => {
    round();
    const late = Array.from({ length: 10 }, () => {
      now += 250;
      here.hear(here.ping());
      return there.ping();
    });
    for (const ping of late) here.hear(ping);
    expect(here.complete(2)).toBe(false);
  });

  it('ends when the other one hears us no more, though we hear it', () => {
    round();
    for (let i = 0; i < 7; i++) {
      now += 250;
      here.hear(here.ping());
      here.hear(there.ping());
    }
    expect(here.complete(2)).toBe(false);
  });

  it('forgets a replica that says goodbye at once, and a silent one after 3 s', () => {
    round();
    here.forget('there');
    expect(here.complete(1)).toBe(true);
    round();
    now += 3001;
    here.hear(here.ping());
    expect(here.complete(1)).toBe(true);
  });
});
