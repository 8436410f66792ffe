import type { Static } from 'typebox';
import type { RequestContext } from '../../../kernel/context.ts';
import type { Database } from '../../../kernel/db/database.ts';
import { invalid } from '../../../kernel/errors.ts';
import { assertVersion, type IfMatch } from '../../../kernel/http/etag.ts';
import type { CandidateService } from '../candidates/service.ts';
import type { ClaimOutcome } from '../claims/claim.ts';
import { refuse } from '../claims/named-gpus.ts';
import { served } from '../claims/not-served.ts';
import { asUnavailable, illegalTransition, isMovedMeanwhile, noCapacity } from '../errors.ts';
import { ruling, wholeGpu } from '../life/domain.ts';
import type { Expiry } from '../life/expiry.ts';
import { type AllocationService, visibleTo } from '../life/service.ts';
import { withinQuotas } from '../quotas/within-quotas.ts';
import type { GpuRequest } from '../schemas.ts';
import type { AllocationView } from '../view.ts';
import { type Destination, moveTo, placementOf, type Rules } from './move.ts';
import type { MoveAllocation } from './schemas.ts';

type Input = Static<typeof MoveAllocation>;
type Request = Static<typeof GpuRequest>;

/** Moves of other hands that one may meet, and looks for GPUs that others take, before it is given up. */
const maxTries = 8;

interface Options {
  db: Database;
  expiry: Expiry;
  candidates: CandidateService;
  allocations: AllocationService;
  rules: Rules;
}

/** Gives allocations other GPUs, more of them or fewer, in one step. */
export class MoveService {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** @throws 400 where GPUs are neither named nor asked for; what a claim throws; 412. */
  async move(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    { gpuIds, request, reason: why }: Input,
  ): Promise<AllocationView> {
    if ((gpuIds === undefined) === (request === undefined))
      throw invalid('/gpuIds', 'is needed where there is no `request`, and does not go with one');
    const reason = why ?? null;
    const { tenantId } = await this.#options.allocations.get(ctx, id);
    return withinQuotas(this.#options.expiry, tenantId, () =>
      request
        ? this.#fitting(ctx, id, ifMatch, request as Request, reason)
        : this.#named(ctx, id, ifMatch, { gpuIds: gpuIds ?? [], request: null, reason }),
    );
  }

  /** Exactly these. Holds on them that are over end first, as before a claim. */
  async #named(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    destination: Destination,
  ): Promise<AllocationView> {
    let outcome = await this.#attempt(ctx, id, ifMatch, destination);
    if ('id' in outcome) return outcome;
    const due = outcome.refused.filter((gpu) => gpu.due).map(({ gpuId }) => gpuId);
    if (due.length > 0) {
      await this.#options.expiry.endHoldsOn(due);
      outcome = await this.#attempt(ctx, id, ifMatch, destination);
    }
    if ('id' in outcome) return outcome;
    return refuse(destination.gpuIds, outcome);
  }

  /** The best free GPUs for a request and for the time that is left, in the place of all that it has. */
  async #fitting(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    request: Request,
    reason: string | null,
  ): Promise<AllocationView> {
    const { db, candidates, allocations } = this.#options;
    const { gpus, state, version } = await allocations.get(ctx, id);
    assertVersion(ifMatch, version);
    if (ruling(state, 'move') === 'refuse') throw illegalTransition(state, 'move');
    if (gpus.some(({ share }) => share < wholeGpu))
      throw invalid('/request', 'goes with whole GPUs; name those of which it is to have a share');
    // The key is claimed by the move, not by what it looks for.
    const looking = { ...ctx, idempotency: null };
    for (let tries = 0; tries < maxTries; tries++) {
      const leftS = await db.read(ctx, (tx) => placementOf(tx, id));
      const term = leftS === null ? {} : { durationS: Math.max(1, leftS) };
      const found = await candidates.find(looking, { ...request, ...term, limit: maxTries });
      if (found.candidates.length === 0) throw noCapacity(found.explain ?? null);
      for (const { gpuIds } of found.candidates) {
        const outcome = await this.#attempt(ctx, id, ifMatch, { gpuIds, request, reason });
        if ('id' in outcome) return outcome;
      }
    }
    throw noCapacity(null);
  }

  /** One transaction, undone where it was not served; again where another move of the same allocation came between. */
  async #attempt(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    destination: Destination,
  ): Promise<AllocationView | ClaimOutcome> {
    const { db, rules } = this.#options;
    const target = { id, ifMatch, visible: visibleTo(ctx.principal) };
    for (let tries = 1; ; tries++) {
      try {
        const work = db.write(ctx, (tx) => moveTo(tx, target, destination, rules));
        return await served<AllocationView, ClaimOutcome>(work, (outcome) => outcome);
      } catch (error) {
        if (!isMovedMeanwhile(error) || tries === maxTries) throw asUnavailable(error, destination.gpuIds);
      }
    }
  }
}
