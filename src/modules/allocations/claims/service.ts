import type { Static } from 'typebox';
import type { Principal, RequestContext } from '../../../kernel/context.ts';
import type { Database } from '../../../kernel/db/database.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { invalid } from '../../../kernel/errors.ts';
import type { SchedulingPolicy } from '../../inventory/index.ts';
import { asUnavailable, noCapacity } from '../errors.ts';
import { type Explainer, fits } from '../explain/explainer.ts';
import { wholeGpu } from '../life/domain.ts';
import type { Expiry } from '../life/expiry.ts';
import type { Patience } from '../life/transition.ts';
import { isQuotaExceeded } from '../quotas/errors.ts';
import type { CreateAllocation, GpuRequest } from '../schemas.ts';
import type { AllocationView } from '../view.ts';
import { claimBest } from './best-gpus.ts';
import { type Claim, type ClaimOutcome, placementS } from './claim.ts';
import { type InterruptionDefaults, interruptionOf } from './interruption.ts';
import { claimGpus, refuse } from './named-gpus.ts';
import { type GpuSearch, type Wish, wishOf } from './wish.ts';

type Input = Static<typeof CreateAllocation>;

/** Who the GPUs are for: an operator says, everybody else is it. */
function tenantOf({ role, tenantId }: Principal, named: string | undefined): string {
  if (role !== 'operator' && named !== undefined) throw invalid('/tenantId', 'is for operators');
  const owner = role === 'operator' ? named : tenantId;
  if (!owner) throw invalid('/tenantId', 'is required of an operator');
  return owner;
}

/** Ends the attempt, and its transaction with it, before anything was written. */
class NotServed extends Error {
  readonly outcome: ClaimOutcome;

  constructor(outcome: ClaimOutcome) {
    super('The claim was not served.');
    this.outcome = outcome;
  }
}

/** Passes over the same request before it is given up: each one that fails has lost its GPUs to somebody else. */
const maxPasses = 8;

interface Options {
  db: Database;
  expiry: Expiry;
  search: GpuSearch;
  policy: SchedulingPolicy;
  explainer: Pick<Explainer, 'explainInTime'>;
  interruptions: InterruptionDefaults;
}

/** Begins allocations. Each attempt is a transaction of its own, so that one that fails holds nothing back. */
export class ClaimService {
  readonly #db: Database;
  readonly #expiry: Expiry;
  readonly #search: GpuSearch;
  readonly #policy: SchedulingPolicy;
  readonly #explainer: Options['explainer'];
  readonly #interruptions: InterruptionDefaults;

  constructor({ db, expiry, search, policy, explainer, interruptions }: Options) {
    this.#db = db;
    this.#expiry = expiry;
    this.#search = search;
    this.#policy = policy;
    this.#explainer = explainer;
    this.#interruptions = interruptions;
  }

  create(ctx: RequestContext, input: Input): Promise<AllocationView> {
    const { gpuIds, request, share = wholeGpu, holdTtlS, durationS, purpose } = input;
    const claim = {
      tenantId: tenantOf(ctx.principal, input.tenantId),
      share,
      holdTtlS: holdTtlS ?? null,
      durationS: durationS ?? null,
      ...interruptionOf(input, this.#interruptions),
      purpose: purpose ?? null,
    };
    if ((gpuIds === undefined) === (request === undefined))
      throw invalid('/gpuIds', 'is needed where there is no `request`, and does not go with one');
    if (!request) {
      const ids = gpuIds ?? [];
      return this.#withinQuotas(claim, () =>
        lost(ids, this.#named(ctx, ids, { ...claim, count: ids.length, request: null })),
      );
    }
    if (share < wholeGpu) throw invalid('/share', 'goes with `gpuIds`; a request takes whole GPUs');
    const wanted = request as Static<typeof GpuRequest>;
    return this.#withinQuotas(claim, () =>
      lost([], this.#fitting(ctx, wanted, { ...claim, count: wanted.count, request: wanted })),
    );
  }

  /** A tenant's own allocations that are over end before it is refused for what they count. */
  async #withinQuotas<T>({ tenantId }: Pick<Claim, 'tenantId'>, claim: () => Promise<T>): Promise<T> {
    try {
      return await claim();
    } catch (error) {
      if (!isQuotaExceeded(error) || (await this.#expiry.endDueOf(tenantId)) === 0) throw error;
      return claim();
    }
  }

  /** The best GPUs, or why there are none; tried once more where the explanation finds that there are. */
  async #fitting(
    ctx: RequestContext,
    request: Static<typeof GpuRequest>,
    claim: Claim,
  ): Promise<AllocationView> {
    const wish = wishOf(this.#search, request);
    for (let again = false; ; again = true) {
      const allocation = await this.#best(ctx, wish, claim);
      if (allocation) return allocation;
      const explain = await this.#explainer.explainInTime(request, placementS(claim));
      if (again || !explain || !fits(request, explain)) throw noCapacity(explain);
    }
  }

  /** Exactly these GPUs. Holds on them that are over end first, so that no claim fails for want of a sweep. */
  async #named(ctx: RequestContext, gpuIds: readonly string[], claim: Claim): Promise<AllocationView> {
    const attempt = () => this.#attempt(ctx, (tx) => claimGpus(tx, gpuIds, claim, this.#policy));
    let outcome = await attempt();
    const due = outcome.refused.filter((gpu) => gpu.due).map(({ gpuId }) => gpuId);
    if (due.length > 0) {
      await this.#expiry.endHoldsOn(due);
      outcome = await attempt();
    }
    return outcome.allocation ?? refuse(gpuIds, outcome);
  }

  /**
   * The best GPUs for a request. The first pass steps over what others have locked; it is worth waiting for them only
   * where there was enough before anything was locked. Null once there was not, with nothing due left.
   */
  async #best(ctx: RequestContext, wish: Wish, claim: Claim): Promise<AllocationView | null> {
    let patience: Patience = 'skip';
    let swept = false;
    for (let pass = 0; pass < maxPasses; pass++) {
      const { allocation, possible } = await this.#attempt(ctx, (tx) =>
        claimBest(tx, wish, claim, { policy: this.#policy, patience }),
      );
      if (allocation) return allocation;
      if (!possible && swept) break;
      if (!possible) await this.#expiry.sweep('wait');
      swept ||= !possible;
      patience = 'wait';
    }
    return null;
  }

  /** One transaction, undone where the claim was not served: an idempotency key keeps successes alone. */
  async #attempt(
    ctx: RequestContext,
    work: (tx: Transaction) => Promise<ClaimOutcome>,
  ): Promise<ClaimOutcome> {
    try {
      const allocation = await this.#db.writeAtOnce(ctx, async (tx) => {
        const outcome = await work(tx);
        if (!outcome.allocation) throw new NotServed(outcome);
        return outcome.allocation;
      });
      return { allocation, possible: true, found: [], refused: [] };
    } catch (error) {
      if (error instanceof NotServed) return error.outcome;
      throw error;
    }
  }
}

/** Inside a claim every lost race is one thing to the caller. */
const lost = (gpuIds: readonly string[], claim: Promise<AllocationView>): Promise<AllocationView> =>
  claim.catch((error: unknown) => {
    throw asUnavailable(error, gpuIds);
  });
