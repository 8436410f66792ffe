import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { assess, checkKey } from './assessment.ts';
import { knownCodes } from './known-codes.ts';

describe('the assessment of a check', () => {
  it('knows severity and action of a failure from the catalogue', () => {
    expect(assess({ check: 'xid', code: '79', outcome: 'failed' })).toEqual({
      fatal: true,
      recommendedAction: 'restart_node',
    });
    expect(assess({ check: 'xid', code: '13', outcome: 'failed' })).toEqual({
      fatal: false,
      recommendedAction: 'restart_workload',
    });
  });

  it('reads a code in the spellings in which tools print it', () => {
    for (const code of ['79', 'XID 79', 'xid-79', 'Xid: 79', ' 79 ']) {
      expect(assess({ check: ' XID', code, outcome: 'failed' }).recommendedAction).toBe('restart_node');
    }
    expect(checkKey(' Thermal ')).toBe('thermal');
  });

  it('is never milder than the catalogue, and may be more severe', () => {
    expect(assess({ check: 'xid', code: '79', outcome: 'failed', fatal: false }).fatal).toBe(true);
    expect(assess({ check: 'xid', code: '13', outcome: 'failed', fatal: true })).toEqual({
      fatal: true,
      recommendedAction: 'run_diagnostics',
    });
  });

  it('takes the word of the reporter for what the catalogue does not know', () => {
    expect(assess({ check: 'smell', outcome: 'failed' })).toEqual({
      fatal: false,
      recommendedAction: 'run_diagnostics',
    });
    for (const [check, code] of [
      ['constructor', 'name'],
      ['xid', 'constructor'],
    ] as const) {
      expect(assess({ check, code, outcome: 'failed' })).toEqual({
        fatal: false,
        recommendedAction: 'run_diagnostics',
      });
    }
  });

  it('recommends nothing for ok, and something for everything else', () => {
    const check = fc.constantFrom('smell', ...Object.keys(knownCodes));
    const code = fc.constantFrom(undefined, 'x', ...Object.values(knownCodes).flatMap(Object.keys));
    const outcome = fc.constantFrom('ok' as const, 'warning' as const, 'failed' as const);
    fc.assert(
      fc.property(check, code, outcome, fc.boolean(), (...[name, known, seen, fatal]) => {
        const assessed = assess({ check: name, code: known, outcome: seen, fatal });
        expect(assessed.recommendedAction === 'none').toBe(seen === 'ok');
        if (assessed.fatal)
          expect(assessed.recommendedAction).not.toMatch(/^(none|monitor|restart_workload)$/);
        if (seen !== 'failed') expect(assessed.fatal).toBe(false);
      }),
    );
  });
});
