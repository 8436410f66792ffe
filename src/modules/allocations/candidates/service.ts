import type { Static } from 'typebox';
import type { RequestContext } from '../../../kernel/context.ts';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import type { AccessApi } from '../../access/index.ts';
import { type Claim, placementS } from '../claims/claim.ts';
import { interruptionOf } from '../claims/interruption.ts';
import { isFree } from '../claims/room.ts';
import { tenantOf } from '../claims/tenant.ts';
import type { ClaimTools } from '../claims/tools.ts';
import { asUnavailable, isLostRace } from '../errors.ts';
import type { Explain } from '../explain/explainer.ts';
import { explainRequest } from '../explain/whole-request.ts';
import { wholeGpu } from '../life/domain.ts';
import type { Patience } from '../life/transition.ts';
import { withinQuotas } from '../quotas/within-quotas.ts';
import { type Answer, hold, look, type Wanted } from './answer.ts';
import { plansOf } from './plan.ts';
import type { FindCandidates } from './schemas.ts';

type Input = Static<typeof FindCandidates>;

/** One of several looks at the same request. */
interface Round {
  patience: Patience;
  /** Whether what it finds is the answer, whatever it is. */
  isLast: boolean;
  /** Why there is nothing, as far as that is known. */
  explain: Explain | null;
  /** Whether what is served is explained as well. */
  explainAll: boolean;
}

/** Ends a look, and its transaction with it, that is worth another one. */
class Again extends Error {
  /** Nothing fitted; else somebody else was faster. */
  readonly isEmpty: boolean;

  constructor(isEmpty: boolean) {
    super('Another look may find more.');
    this.isEmpty = isEmpty;
  }
}

/** Looks at the same request before it is given up: each one that fails has lost its GPUs to somebody else. */
const maxLooks = 8;

/** The answer with its explanation; another look where it does not serve, unless this was the last one. */
function settled(answer: Answer, serves: boolean, { isLast, explain, explainAll }: Round): Answer {
  if (!serves && !isLast) throw new Again(answer.candidates.length === 0);
  return explain && (explainAll || !serves) ? { ...answer, explain } : answer;
}

interface Options extends ClaimTools {
  /** Throws 403 where the caller may not do this. */
  authorize: AccessApi['authorize'];
}

/** Finds the sets of GPUs that would serve a request now, and holds the best one. */
export class CandidateService {
  readonly #tools: Options;

  constructor(tools: Options) {
    this.#tools = tools;
  }

  find(ctx: RequestContext, input: Input): Promise<Answer> {
    const { limit = 10, explain = false, holdTtlS = null, durationS = null, ...rest } = input;
    const { purpose = null, tenantId, onInterruption, graceS, ...request } = rest;
    const term = { holdTtlS, durationS };
    const wanted = {
      limit,
      plans: plansOf(this.#tools.search, request, '', isFree(term, this.#tools.policy)),
    };
    const explained = () => explainRequest(this.#tools.explainer, request, { placementS: placementS(term) });
    const interruption = interruptionOf({ onInterruption, graceS }, this.#tools.interruptions);
    if (holdTtlS === null) {
      if (tenantId !== undefined) tenantOf(ctx.principal, tenantId);
      return this.#until(explain, explained, (round) => this.#look(ctx, wanted, round));
    }
    this.#tools.authorize(ctx.principal, 'allocations:write');
    const owner = tenantOf(ctx.principal, tenantId);
    const claim = { ...term, ...interruption, tenantId: owner, share: wholeGpu, purpose, request };
    return withinQuotas(this.#tools.expiry, owner, () =>
      this.#until(explain, explained, (round) => this.#hold(ctx, wanted, claim, round)),
    );
  }

  #look(ctx: RequestContext, wanted: Wanted, round: Round): Promise<Answer> {
    const read = async (db: Queryable) => {
      const answer = await look(db, wanted);
      return settled(answer, answer.candidates.length > 0, round);
    };
    // A reply that a key keeps is stored in a transaction that writes.
    return ctx.idempotency ? this.#tools.db.write(ctx, read) : this.#tools.db.read(ctx, read);
  }

  #hold(ctx: RequestContext, wanted: Wanted, claim: Omit<Claim, 'count'>, round: Round): Promise<Answer> {
    return this.#tools.db.write(ctx, async (tx) => {
      const answer = await hold(tx, wanted, claim, { policy: this.#tools.policy, patience: round.patience });
      return settled(answer, answer.hold !== undefined, round);
    });
  }

  /**
   * Looks until there is something to tell. Before a no, what is over by the clock is ended, and the no is explained;
   * whom others beat waits for them the next time, and steps over what they have locked the time after.
   */
  async #until(
    explainAll: boolean,
    explained: () => Promise<{ explain: Explain | null }>,
    attempt: (round: Round) => Promise<Answer>,
  ): Promise<Answer> {
    const round: Round = { patience: 'skip', isLast: false, explainAll, explain: null };
    if (explainAll) round.explain = (await explained()).explain;
    for (let looks = 1; ; looks++) {
      round.isLast ||= looks === maxLooks;
      try {
        return await attempt(round);
      } catch (error) {
        if (round.isLast || !(error instanceof Again || isLostRace(error))) throw asUnavailable(error, []);
        round.patience = round.patience === 'skip' ? 'wait' : 'skip';
        if (!(error instanceof Again) || !error.isEmpty) continue;
        if ((await this.#tools.expiry.sweep('wait')) > 0) continue;
        round.explain ??= (await explained()).explain;
        round.isLast = true;
        round.patience = 'wait';
      }
    }
  }
}
