import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type Action, ruling, type State, states, transitions } from './domain.ts';

const actions = Object.keys(transitions) as Action[];
const signs = { apply: '→', done: '=', refuse: '×' };

/** The table of docs/allocations.md: every state by every action. */
function documented(): Record<string, Record<string, string>> {
  const rows = readFileSync('docs/allocations.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()));
  const head = rows.find(([first, second]) => first === 'state' && second === 'confirm') ?? [];
  const body = rows.filter(
    ({ length, 0: first }) => length === head.length && states.includes(first as State),
  );
  return Object.fromEntries(
    body.map(([state, ...cells]) => [
      state,
      Object.fromEntries(cells.map((sign, place) => [head[place + 1], sign])),
    ]),
  );
}

describe('the state machine of an allocation', () => {
  it('rules on every action in every state as the documents say', () => {
    const rulings = states.map((state) => [
      state,
      Object.fromEntries(actions.map((action) => [action, signs[ruling(state, action)]])),
    ]);
    expect(Object.fromEntries(rulings)).toEqual(documented());
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
