import type { Static } from 'typebox';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import { concessionsOf } from './concessions.ts';
import { offerFor } from './offers.ts';
import type { Question } from './question.ts';
import type { Explain } from './schemas.ts';
import type { Tally } from './tally.ts';

type Relaxation = Static<typeof Explain>['relaxations'][number];

interface Ranked extends Relaxation {
  /** The share of what the filter asked that is given up, from 0 to 1. */
  share: number;
}

const atMost = 5;

/** A value in the unit and direction of the filter, for each way in which its key can ask less and the request fits. */
async function partial(db: Queryable, question: Question, place: number): Promise<Ranked[]> {
  const { name, value } = question.predicates[place - 1] ?? { name: '', value: null };
  const found: Ranked[] = [];
  for (const concession of concessionsOf(question, place)) {
    const offer = await offerFor(db, question, concession);
    const to = offer && concession.with(offer.value);
    if (offer && to !== undefined) {
      found.push({ filter: name, from: value, to, gpus: offer.gpus, share: concession.share(offer.value) });
    }
  }
  return found;
}

/** What to do about one key: ask less where that suffices, else leave it away. */
async function ofKey(db: Queryable, question: Question, place: number, gpus: number): Promise<Ranked[]> {
  const less = await partial(db, question, place);
  if (less.length > 0) return less;
  const { name, value, key } = question.predicates[place - 1] ?? { name: '', value: null, key: null };
  return [{ filter: name, from: value, to: key ? null : false, gpus, share: 1 }];
}

/** Without the bond. */
const ofBonds = ({ bonds, count }: Question, tally: Tally): Ranked[] =>
  bonds.flatMap((bond) => {
    const { gpus } = tally.within(bonds.filter((other) => other !== bond));
    return gpus < count ? [] : [{ filter: bond, from: true, to: false, gpus, share: 1 }];
  });

/**
 * Up to five changes of one filter each with which a request fits that does not: the one that gives up the smallest
 * share of what was asked first, then the one that gives most GPUs, then in the order of the filters. The request cannot
 * change what is schedulable or free.
 */
export async function relaxationsOf(db: Queryable, question: Question, tally: Tally): Promise<Relaxation[]> {
  const found: Ranked[] = [];
  for (const [at, { name, key }] of question.predicates.entries()) {
    const { gpus } = tally.without(at + 1);
    if (gpus < question.count || !(key || name === 'excludeWarnings')) continue;
    found.push(...(await ofKey(db, question, at + 1, gpus)));
  }
  return [...found, ...ofBonds(question, tally)]
    .sort((a, b) => a.share - b.share || b.gpus - a.gpus)
    .slice(0, atMost)
    .map(({ share: _, ...relaxation }) => relaxation);
}
