import sql, { join, type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { Principal, RequestContext } from '../../kernel/context.ts';
import type { Database } from '../../kernel/db/database.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { invalid } from '../../kernel/errors.ts';
import { parseFilterBody } from '../../kernel/http/filter-body.ts';
import { compileFilters, whereAll } from '../../kernel/http/filter-sql.ts';
import type { FilterDefinition } from '../../kernel/http/filters.ts';
import { claimBest, type Patience, type Wish } from './choice.ts';
import { type Claim, type ClaimOutcome, claimGpus, unschedulable } from './claim.ts';
import { wholeGpu } from './domain.ts';
import { asUnavailable, gpuUnavailable, gpuUnknown, gpuUnschedulable, noCapacity } from './errors.ts';
import type { Expiry } from './expiry.ts';
import type { CreateAllocation, GpuRequest } from './schemas.ts';
import type { AllocationView } from './view.ts';

type Input = Static<typeof CreateAllocation>;

/** What GPUs can be asked for: filters over `gpu_state s`, and the tables that they read beside it. */
export interface GpuSearch {
  filters: FilterDefinition;
  relations: Readonly<Record<string, Sql>>;
}

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

/** Begins allocations. Each attempt is a transaction of its own, so that one that fails holds nothing back. */
export class ClaimService {
  readonly #db: Database;
  readonly #expiry: Expiry;
  readonly #search: GpuSearch;

  constructor({ db, expiry, search }: { db: Database; expiry: Expiry; search: GpuSearch }) {
    this.#db = db;
    this.#expiry = expiry;
    this.#search = search;
  }

  create(ctx: RequestContext, input: Input): Promise<AllocationView> {
    const { gpuIds, request, share = wholeGpu, holdTtlS, durationS, purpose } = input;
    const claim = {
      tenantId: tenantOf(ctx.principal, input.tenantId),
      share,
      holdTtlS: holdTtlS ?? null,
      durationS: durationS ?? null,
      purpose: purpose ?? null,
    };
    if ((gpuIds === undefined) === (request === undefined))
      throw invalid('/gpuIds', 'is needed where there is no `request`, and does not go with one');
    if (gpuIds) return this.#named(ctx, gpuIds, { ...claim, count: gpuIds.length, request: null });
    if (share < wholeGpu) throw invalid('/share', 'goes with `gpuIds`; a request takes whole GPUs');
    const wanted = request as Static<typeof GpuRequest>;
    return this.#best(ctx, this.#wish(wanted), { ...claim, count: wanted.count, request: wanted });
  }

  /** Exactly these GPUs. Holds on them that are over end first, so that no claim waits for the sweeper. */
  async #named(ctx: RequestContext, gpuIds: readonly string[], claim: Claim): Promise<AllocationView> {
    const attempt = () => this.#attempt(ctx, (tx) => claimGpus(tx, gpuIds, claim));
    try {
      const first = await attempt();
      const due = first.refused.filter((gpu) => gpu.due).map(({ gpuId }) => gpuId);
      const outcome = due.length > 0 && (await this.#expiry.endHoldsOn(due)) > 0 ? await attempt() : first;
      return outcome.allocation ?? refuse(gpuIds, outcome);
    } catch (error) {
      throw asUnavailable(error, gpuIds);
    }
  }

  /**
   * The best GPUs for a request. The first pass steps over what others have locked; only where the snapshot had enough
   * is it worth waiting for them. Before the answer is no, whatever is due ends.
   */
  async #best(ctx: RequestContext, wish: Wish, claim: Claim): Promise<AllocationView> {
    let patience: Patience = 'skip';
    for (let pass = 0; pass < maxPasses; pass++) {
      const { allocation, possible } = await this.#attempt(ctx, (tx) => claimBest(tx, wish, claim, patience));
      if (allocation) return allocation;
      if (!possible && (await this.#expiry.sweep()) === 0) break;
      patience = 'wait';
    }
    throw noCapacity();
  }

  /** One transaction, undone where the claim was not served: an idempotency key keeps successes alone. */
  async #attempt(
    ctx: RequestContext,
    work: (tx: Transaction) => Promise<ClaimOutcome>,
  ): Promise<ClaimOutcome> {
    try {
      const allocation = await this.#db.write(ctx, async (tx) => {
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

  #wish(request: Static<typeof GpuRequest>): Wish {
    const { count, filter = {}, objective = 'cheapest', excludeWarnings = false } = request;
    const moment = sql`clock_timestamp()`;
    const asked = compileFilters(
      this.#search.filters,
      parseFilterBody(this.#search.filters, filter, '/request/filter'),
      {
        moment,
      },
    );
    const several = count > 1;
    const sameModel = several && request.sameModel === true;
    const read = new Set([
      ...asked.flatMap(({ relations }) => [...relations]),
      ...(sameModel ? ['gpu'] : []),
    ]);
    const joins = Object.entries(this.#search.relations).filter(([name]) => read.has(name));
    return {
      count,
      objective,
      sameModel,
      sameNode: several && request.sameNode === true,
      distinctProviders: several && request.distinctProviders === true,
      condition: excludeWarnings ? sql`${whereAll(asked)} AND s.health <> 'warning'` : whereAll(asked),
      tables: join([sql`inventory.gpu_state s`, ...joins.map(([, joined]) => joined)], ' '),
    };
  }
}

/** Why a claim on named GPUs was not served: an unknown one outweighs a taken one, that one reasons against others. */
function refuse(gpuIds: readonly string[], { found, refused }: ClaimOutcome): never {
  const unknown = gpuIds.filter((id) => !found.includes(id));
  if (unknown.length > 0) throw gpuUnknown(unknown);
  const taken = refused.filter((gpu) => gpu.taken).map(({ gpuId }) => gpuId);
  throw taken.length > 0 ? gpuUnavailable(taken) : gpuUnschedulable(unschedulable(refused));
}
