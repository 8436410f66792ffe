import type { Static } from 'typebox';
import type { RequestContext } from '../../../kernel/context.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { invalid } from '../../../kernel/errors.ts';
import { claimPlan } from '../candidates/hold.ts';
import { planOf } from '../candidates/plan.ts';
import { asUnavailable, noCapacity } from '../errors.ts';
import { explainRequest } from '../explain/whole-request.ts';
import { wholeGpu } from '../life/domain.ts';
import type { Patience } from '../life/transition.ts';
import { withinQuotas } from '../quotas/within-quotas.ts';
import type { CreateAllocation, GpuAlternative, GpuRequest } from '../schemas.ts';
import type { AllocationView } from '../view.ts';
import { claimBest } from './best-gpus.ts';
import { type Claim, type ClaimOutcome, placementS, type Term } from './claim.ts';
import { interruptionOf } from './interruption.ts';
import { claimGpus, refuse } from './named-gpus.ts';
import { NotServed, served } from './not-served.ts';
import { isFree } from './room.ts';
import { tenantOf } from './tenant.ts';
import type { ClaimTools } from './tools.ts';
import { attemptsOf, wishOf } from './wish.ts';

type Input = Static<typeof CreateAllocation>;

/** Passes over the same request before it is given up: each one that fails has lost its GPUs to somebody else. */
const maxPasses = 8;

/** Begins allocations. Each attempt is a transaction of its own, so that one that fails holds nothing back. */
export class ClaimService {
  readonly #tools: ClaimTools;

  constructor(tools: ClaimTools) {
    this.#tools = tools;
  }

  create(ctx: RequestContext, input: Input): Promise<AllocationView> {
    const { gpuIds, request: asked, share = wholeGpu, durationS, purpose } = input;
    const claim = {
      tenantId: tenantOf(ctx.principal, input.tenantId),
      share,
      holdTtlS: input.holdTtlS ?? asked?.holdTtlS ?? null,
      durationS: durationS ?? null,
      ...interruptionOf(input, this.#tools.interruptions),
      purpose: purpose ?? null,
    };
    if ((gpuIds === undefined) === (asked === undefined))
      throw invalid('/gpuIds', 'is needed where there is no `request`, and does not go with one');
    if (!asked) {
      const ids = gpuIds ?? [];
      return withinQuotas(this.#tools.expiry, claim.tenantId, () =>
        lost(ids, this.#named(ctx, ids, { ...claim, count: ids.length, request: null })),
      );
    }
    const { limit, explain, holdTtlS, ...request } = asked;
    const attempts = attemptsOf(request, '/request').map((tried) =>
      this.#attemptOf(tried.request, tried.pointer, claim),
    );
    return withinQuotas(this.#tools.expiry, claim.tenantId, () =>
      lost([], this.#first(ctx, attempts, { ...claim, request }, request)),
    );
  }

  #attemptOf(
    request: Static<typeof GpuAlternative>,
    pointer: string,
    term: Term & Pick<Claim, 'share'>,
  ): Attempt {
    const { policy, search } = this.#tools;
    const bySets = (): Attempt => {
      const plan = planOf(search, request, pointer, isFree(term, policy));
      return {
        count: plan.count,
        oneStatement: false,
        work: (tx, claim, patience) => claimPlan(tx, plan, claim, { policy, patience }),
      };
    };
    if (request.groups) {
      if (term.share < wholeGpu) throw invalid('/share', 'goes with no groups: they take whole GPUs');
      return bySets();
    }
    const wish = wishOf(search, request, pointer, term.share);
    return {
      count: wish.count,
      oneStatement: true,
      work: (tx, claim, patience) => claimBest(tx, wish, claim, { policy, patience }),
      bySets,
    };
  }

  /** Exactly these GPUs. Holds on them that are over end first, so that no claim fails for want of a sweep. */
  async #named(ctx: RequestContext, gpuIds: readonly string[], claim: Claim): Promise<AllocationView> {
    const attempt = () => this.#attempt(ctx, (tx) => claimGpus(tx, gpuIds, claim, this.#tools.policy), true);
    let outcome = await attempt();
    const due = outcome.refused.filter((gpu) => gpu.due).map(({ gpuId }) => gpuId);
    if (due.length > 0) {
      await this.#tools.expiry.endHoldsOn(due);
      outcome = await attempt();
    }
    return outcome.allocation ?? refuse(gpuIds, outcome);
  }

  /**
   * The first of the alternatives that can be served, or why the request itself cannot; tried once more where the
   * explanation finds that it can.
   */
  async #first(
    ctx: RequestContext,
    attempts: readonly Attempt[],
    claim: Omit<Claim, 'count'>,
    request: Static<typeof GpuRequest>,
  ): Promise<AllocationView> {
    for (let again = false; ; again = true) {
      for (const attempt of attempts) {
        const allocation = await this.#best(ctx, attempt, { ...claim, count: attempt.count });
        if (allocation) return allocation;
      }
      const { explain, fits } = await explainRequest(this.#tools.explainer, request, {
        placementS: placementS(claim),
        share: claim.share,
        evenRunning: true,
      });
      if (again || !fits) throw noCapacity(explain);
    }
  }

  /**
   * The best GPUs for a request. One pass steps over what others have locked, the next waits for whoever has the best,
   * and sees what came of it. Null once there was not enough before anything was locked, and nothing is due.
   */
  async #best(ctx: RequestContext, attempt: Attempt, claim: Claim): Promise<AllocationView | null> {
    let way = attempt;
    for (let pass = 0; pass < maxPasses; pass++) {
      const patience = pass % 2 === 0 ? 'skip' : 'wait';
      const outcome = await this.#attempt(ctx, (tx) => way.work(tx, claim, patience), way.oneStatement);
      if (outcome.allocation) return outcome.allocation;
      if (outcome.mixed && attempt.bySets) {
        way = attempt.bySets();
        continue;
      }
      if (!outcome.possible && (await this.#tools.expiry.sweep('wait')) === 0) return null;
    }
    return null;
  }

  /** One transaction, undone where the claim was not served: an idempotency key keeps successes alone. */
  async #attempt(
    ctx: RequestContext,
    work: (tx: Transaction) => Promise<ClaimOutcome>,
    oneStatement: boolean,
  ): Promise<ClaimOutcome> {
    const serve = async (tx: Transaction) => {
      const outcome = await work(tx);
      if (!outcome.allocation) throw new NotServed(outcome);
      return outcome.allocation;
    };
    const attempt = oneStatement ? this.#tools.db.writeAtOnce(ctx, serve) : this.#tools.db.write(ctx, serve);
    return served(
      attempt.then((allocation) => ({ allocation, possible: true, found: [], refused: [] })),
      (outcome) => outcome,
    );
  }
}

/** One way to serve a request. */
interface Attempt {
  count: number;
  oneStatement: boolean;
  work(tx: Transaction, claim: Claim, patience: Patience): Promise<ClaimOutcome>;
  /** The same by whole sets of GPUs, where the best GPUs cannot be used beside each other. */
  bySets?(): Attempt;
}

/** Inside a claim every lost race is one thing to the caller. */
const lost = (gpuIds: readonly string[], claim: Promise<AllocationView>): Promise<AllocationView> =>
  claim.catch((error: unknown) => {
    throw asUnavailable(error, gpuIds);
  });
