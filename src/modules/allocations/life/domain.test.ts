import { describe, expect, it } from '@jest/globals';
import { lifeTable } from '../../../../test/support/life-table.ts';
import { type Action, ruling, type State, states, transitions } from './domain.ts';

const actions = Object.keys(transitions) as Action[];
const signs = { apply: '→', done: '=', refuse: '×' };

describe('the state machine of an allocation', () => {
  it('rules on every action in every state as the documents say', () => {
    const rulings = states.map((state) => [
      state,
      Object.fromEntries(actions.map((action) => [action, signs[ruling(state, action)]])),
    ]);
    expect(Object.fromEntries(rulings)).toEqual(lifeTable());
  });

  it('never leaves an end', () => {
    const ends: State[] = ['released', 'expired', 'interrupted'];
    for (const end of ends) for (const action of actions) expect(ruling(end, action)).not.toBe('apply');
  });

  it('does once what leads to another state', () => {
    for (const action of actions) {
      const { to } = transitions[action];
      if (to !== null) expect([action, ruling(to, action)]).toEqual([action, 'done']);
    }
  });
});
