import type { Static } from 'typebox';
import type { Question } from './question.ts';
import type { Explain } from './schemas.ts';
import { minus, type Sums, type Tally } from './tally.ts';

type Account = Static<typeof Explain>['filters'][number];

/** What each filter removed, in the order in which they are applied, and what the others leave without it. */
export function accountsOf({ predicates, bonds }: Question, tally: Tally): Account[] {
  const ofGpus = predicates.map(({ name, value }, at) => ({
    filter: name,
    value,
    remaining: tally.after(at + 1),
    ifDropped: tally.without(at + 1),
  }));
  const ofTeams = bonds.map((bond, at) => ({
    filter: bond,
    value: true,
    remaining: tally.within(bonds.slice(0, at + 1)),
    ifDropped: tally.within(bonds.filter((other) => other !== bond)),
  }));
  let before: Sums = tally.after(0);
  return [...ofGpus, ...ofTeams].map(({ filter, value, remaining, ifDropped }) => {
    const removed = minus(before, remaining);
    before = remaining;
    return { filter, value, removed, remaining, ifDropped };
  });
}
