import { describe, expect, it } from '@jest/globals';
import { type Action, ruling, type State, states, transitions } from './domain.ts';

const actions = Object.keys(transitions) as Action[];

/** Every state by every action: `→` applies, `=` was done before, `×` is refused. */
const table: Record<State, Record<Action, string>> = {
  held: { confirm: '→', extendHold: '→', extendDuration: '×', release: '→', expire: '→', interrupt: '→' },
  active: { confirm: '=', extendHold: '×', extendDuration: '→', release: '→', expire: '→', interrupt: '→' },
  releasing: {
    confirm: '×',
    extendHold: '×',
    extendDuration: '×',
    release: '×',
    expire: '×',
    interrupt: '×',
  },
  released: { confirm: '×', extendHold: '×', extendDuration: '×', release: '=', expire: '×', interrupt: '×' },
  expired: { confirm: '×', extendHold: '×', extendDuration: '×', release: '×', expire: '=', interrupt: '×' },
  interrupted: {
    confirm: '×',
    extendHold: '×',
    extendDuration: '×',
    release: '×',
    expire: '×',
    interrupt: '=',
  },
};
const signs = { apply: '→', done: '=', refuse: '×' };

describe('the state machine of an allocation', () => {
  it.each(states)('rules on every action while %s', (state) => {
    const rulings = Object.fromEntries(actions.map((action) => [action, signs[ruling(state, action)]]));
    expect(rulings).toEqual(table[state]);
  });

  it('never leaves an end', () => {
    const ends: State[] = ['released', 'expired', 'interrupted'];
    for (const end of ends) for (const action of actions) expect(ruling(end, action)).not.toBe('apply');
  });

  it('never confirms, extends, releases or expires the same allocation twice with effect, holds and durations apart', () => {
    for (const action of actions) {
      const again = ruling(transitions[action].to, action);
      expect(again).toBe(action === 'extendHold' || action === 'extendDuration' ? 'apply' : 'done');
    }
  });
});
