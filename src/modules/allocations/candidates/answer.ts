import type { Queryable, Transaction } from '../../../kernel/db/transaction.ts';
import type { Claim } from '../claims/claim.ts';
import type { Explain } from '../explain/explainer.ts';
import type { AllocationView } from '../view.ts';
import { type Candidate, type Found, findCandidates } from './find.ts';
import { type Manner, takeFirst, tries } from './hold.ts';
import type { Plan } from './plan.ts';

/** What `POST /v1/candidates` answers. */
export interface Answer {
  candidates: Candidate[];
  alternative?: number;
  hold?: AllocationView;
  explain?: Explain;
}

/** What is asked for: a request and its alternatives, and how many candidates at most. */
export interface Wanted {
  plans: readonly Plan[];
  limit: number;
}

/** The candidates of the first alternative that has any. */
interface Choice {
  plan: Plan;
  found: Found[];
  /** Its place among the alternatives; null for the request itself. */
  alternative: number | null;
}

/** Alternatives are tried in order; the first that fits wins. */
async function choose(db: Queryable, { plans, limit }: Wanted): Promise<Choice> {
  let choice: Choice = { plan: plans[0] as Plan, found: [], alternative: null };
  for (const [at, plan] of plans.entries()) {
    const found = await findCandidates(db, plan, limit);
    choice = { plan, found, alternative: at === 0 ? null : at - 1 };
    if (found.length > 0) break;
  }
  return choice;
}

const answerOf = ({ found, alternative }: Choice): Answer => ({
  candidates: found.map(({ pick }) => pick(() => true)),
  ...(alternative !== null && found.length > 0 && { alternative }),
});

/** The candidates there are, none of them taken. */
export const look = async (db: Queryable, wanted: Wanted): Promise<Answer> =>
  answerOf(await choose(db, wanted));

/** Takes the best candidate that can be had, in the transaction that found it; it then comes first in the answer. */
export async function hold(
  tx: Transaction,
  { plans, limit }: Wanted,
  claim: Omit<Claim, 'count'>,
  manner: Manner,
): Promise<Answer> {
  const choice = await choose(tx, { plans, limit: Math.max(limit, tries) });
  const { plan, found } = choice;
  const taken = await takeFirst(tx, plan, found, { ...claim, count: plan.count }, manner);
  if (!taken) return answerOf({ ...choice, found: found.slice(0, limit) });
  const { place, allocation } = taken;
  const mine = new Set(allocation.gpus.map(({ gpuId }) => gpuId));
  const [best, ...rest] = found.slice(place, place + limit);
  const held: Found[] = best ? [{ ...best, pick: () => best.pick(({ gpuId }) => mine.has(gpuId)) }] : [];
  return { ...answerOf({ ...choice, found: [...held, ...rest] }), hold: allocation };
}
