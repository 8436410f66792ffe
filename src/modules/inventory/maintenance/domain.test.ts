import { describe, expect, it } from '@jest/globals';
import { faultOf } from './domain.ts';

const rules = { noticeS: 3600, plannedMaxS: 86_400, emergencyMaxS: 7200 };
const now = new Date('2026-03-29T00:00:00Z');
/** From so many seconds after now to so many. */
const interval = (from: number, to: number) => ({
  startsAt: new Date(now.getTime() + from * 1000),
  endsAt: new Date(now.getTime() + to * 1000),
});
const announce = (kind: 'planned' | 'emergency', from: number, to: number) =>
  faultOf(kind, interval(from, to), null, now, rules)?.field ?? null;
const change = (
  before: [number, number],
  next: [number, number],
  kind: 'planned' | 'emergency' = 'planned',
) => faultOf(kind, interval(...next), interval(...before), now, rules)?.field ?? null;

describe('a window that is announced', () => {
  it('planned: begins after its notice, else an outage could be renamed while it lasts', () => {
    expect([announce('planned', 3599, 7200), announce('planned', 3600, 7200)]).toEqual(['startsAt', null]);
  });

  it('as an emergency: may begin at once, and never in the past', () => {
    expect([announce('emergency', -1, 60), announce('emergency', 0, 60)]).toEqual(['startsAt', null]);
  });

  it('ends after its start, within the longest time of its kind', () => {
    expect([announce('planned', 3600, 3600), announce('planned', 3600, 3600 + 86_401)]).toEqual([
      'endsAt',
      'endsAt',
    ]);
    expect([announce('emergency', 0, 7200), announce('emergency', 0, 7201)]).toEqual([null, 'endsAt']);
  });
});

describe('a window that is changed', () => {
  it('keeps its start once that has passed', () => {
    expect([change([-10, 100], [0, 100]), change([-10, 100], [-10, 200])]).toEqual(['startsAt', null]);
  });

  it('may be put off without notice, not brought forward', () => {
    expect([change([60, 900], [120, 900]), change([5000, 9000], [4000, 9000])]).toEqual([null, null]);
    expect(change([5000, 9000], [3599, 9000])).toBe('startsAt');
  });

  it('cannot end in the past, nor outgrow its kind', () => {
    expect([change([-100, 100], [-100, -1]), change([-100, 100], [-100, 1])]).toEqual(['endsAt', null]);
    expect(change([-100, 100], [-100, 7101], 'emergency')).toBe('endsAt');
  });

  it('in its words alone is not judged again, whatever the rules are by now', () => {
    expect(change([-100, 90_000], [-100, 90_000])).toBeNull();
  });
});
