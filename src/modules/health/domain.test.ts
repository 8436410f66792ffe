import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CheckState, healthOf, type Outcome } from './domain.ts';

interface Observation {
  check: string;
  outcome: Outcome;
  underLoad: boolean;
}

const ok = { outcome: 'ok', underLoad: false } as const;
const loadedOk = { outcome: 'ok', underLoad: true } as const;
const failed = { outcome: 'failed', underLoad: false } as const;
const warning = { outcome: 'warning', underLoad: false } as const;

describe('the health of a GPU', () => {
  it('is unknown while nothing was observed', () => {
    expect(healthAfter()).toBe('unknown');
  });

  it('is ok where every check is, and a warning where one warns', () => {
    expect(healthAfter({ check: 'ecc', ...ok }, { check: 'xid', ...ok })).toBe('ok');
    expect(healthAfter({ check: 'ecc', ...warning }, { check: 'xid', ...ok })).toBe('warning');
    expect(healthAfter({ check: 'ecc', ...warning }, { check: 'ecc', ...ok })).toBe('ok');
  });

  it('fails with one failed check, whatever the others say', () => {
    expect(healthAfter({ check: 'ecc', ...loadedOk }, { check: 'xid', ...failed })).toBe('failed');
    expect(healthAfter({ check: 'xid', ...failed }, { check: 'ecc', ...loadedOk })).toBe('failed');
  });

  it('does not recover by idle checks alone', () => {
    expect(healthAfter({ check: 'xid', ...failed }, { check: 'xid', ...ok }, { check: 'ecc', ...ok })).toBe(
      'failed',
    );
  });

  it('recovers once the failed check is clean and any check was clean under load since', () => {
    const repaired = [
      { check: 'xid', ...failed },
      { check: 'xid', ...ok },
    ];
    expect(healthAfter(...repaired, { check: 'burn_in', ...loadedOk })).toBe('ok');
    expect(healthAfter({ check: 'xid', ...failed }, { check: 'xid', ...loadedOk })).toBe('ok');
  });

  it('takes no load before the failure for a proof', () => {
    expect(
      healthAfter({ check: 'xid', ...loadedOk }, { check: 'xid', ...failed }, { check: 'xid', ...ok }),
    ).toBe('failed');
  });

  it('does not take a warning of the failed check for its recovery', () => {
    const warned = [
      { check: 'xid', ...failed },
      { check: 'xid', ...warning },
      { check: 'burn_in', ...loadedOk },
    ];
    expect(healthAfter(...warned)).toBe('failed');
    expect(healthAfter(...warned, { check: 'xid', ...ok })).toBe('ok');
    expect(healthAfter(...warned, { check: 'xid', ...ok }, { check: 'xid', ...warning })).toBe('warning');
  });

  it('equals what somebody who reads all observations in order would say', () => {
    const observation = fc.record<Observation>({
      check: fc.constantFrom('xid', 'ecc', 'thermal'),
      outcome: fc.constantFrom('ok', 'warning', 'failed'),
      underLoad: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(observation, { maxLength: 12 }), (observations) => {
        expect(healthAfter(...observations)).toBe(readThrough(observations));
      }),
      { numRuns: 500 },
    );
  });
});

/** Folds observations, one microsecond apart, as the table of check states does. */
function healthAfter(...observations: readonly Observation[]) {
  const states = new Map<string, CheckState>();
  observations.forEach(({ check, outcome, underLoad }, at) => {
    const before = states.get(check);
    states.set(check, {
      outcome,
      failedAt: outcome === 'failed' ? at : (before?.failedAt ?? null),
      okAt: outcome === 'ok' ? at : (before?.okAt ?? null),
      loadedOkAt: outcome === 'ok' && underLoad ? at : (before?.loadedOkAt ?? null),
    });
  });
  return healthOf([...states.values()]);
}

/** The same as a story: what broke has to be repaired, and then something has to run. */
function readThrough(observations: readonly Observation[]) {
  const broken = new Set<string>();
  const warned = new Set<string>();
  let unproven = false;
  for (const { check, outcome, underLoad } of observations) {
    if (outcome === 'failed') {
      broken.add(check);
      unproven = true;
    }
    if (outcome === 'ok') {
      broken.delete(check);
      if (underLoad) unproven = false;
    }
    if (outcome === 'warning') warned.add(check);
    else warned.delete(check);
  }
  if (observations.length === 0) return 'unknown';
  if (broken.size > 0 || unproven) return 'failed';
  return warned.size > 0 ? 'warning' : 'ok';
}
