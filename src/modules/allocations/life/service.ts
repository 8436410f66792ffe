import sql, { type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { Principal, RequestContext } from '../../../kernel/context.ts';
import type { Database } from '../../../kernel/db/database.ts';
import { listPage, type Page, parseList } from '../../../kernel/db/list.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { notFound } from '../../../kernel/errors.ts';
import type { CursorCodec } from '../../../kernel/http/cursor.ts';
import { assertVersion, type IfMatch } from '../../../kernel/http/etag.ts';
import type { Kernel } from '../../../module.ts';
import { allocations } from '../collection.ts';
import { holdExpired, illegalTransition } from '../errors.ts';
import { toView } from '../record.ts';
import type { ExtendAllocation, ReleaseAllocation } from '../schemas.ts';
import { type AllocationView, allocationColumns, storedGpus } from '../view.ts';
import { type Action, ruling } from './domain.ts';
import { endedNow, type Met, type Step, type TakeStep, versionIs } from './transition.ts';

/** A tenant sees its own; row-level security says so as well, but only this can use an index. */
export const visibleTo = ({ tenantId }: Principal): Sql =>
  tenantId === null ? sql`true` : sql`a.tenant_id = ${tenantId}::uuid`;

/** Why a step was not taken, unless it had been taken before. */
function refusal({ state, activatedAt }: AllocationView, action: Action): Error | null {
  if (ruling(state, action) !== 'refuse') return null;
  const neverConfirmed = action === 'confirm' && state === 'expired' && activatedAt === null;
  return neverConfirmed ? holdExpired() : illegalTransition(state, action);
}

/** Reads allocations and takes them through their life, their beginning apart. */
export class AllocationService {
  readonly #db: Database;
  readonly #cursors: CursorCodec;
  readonly #step: TakeStep;

  constructor({ db, cursors }: Pick<Kernel, 'db' | 'cursors'>, step: TakeStep) {
    this.#step = step;
    this.#db = db;
    this.#cursors = cursors;
  }

  list(ctx: RequestContext, query: Record<string, unknown>): Promise<Page<Partial<AllocationView>>> {
    const request = parseList(allocations, this.#cursors, query, ctx.principal.tenantId);
    const moment = sql`clock_timestamp()`;
    return this.#db.read(ctx, (tx) =>
      listPage<AllocationView>(tx, this.#cursors, allocations, request, {
        columns: sql`${allocationColumns(moment)}, ${storedGpus} AS gpus`,
        from: sql`inventory.allocation a`,
        visible: visibleTo(ctx.principal),
        moment,
      }),
    );
  }

  async get(ctx: RequestContext, id: string): Promise<AllocationView> {
    const [allocation] = await this.#db.readAtOnce<AllocationView>(
      ctx,
      sql`/* allocations:get */
        SELECT ${allocationColumns(sql`clock_timestamp()`)}, ${storedGpus} AS gpus
          FROM inventory.allocation a WHERE a.id = ${id} AND ${visibleTo(ctx.principal)}`,
    );
    if (!allocation) throw notFound('allocation');
    return allocation;
  }

  /** The hold becomes active; its duration counts from now. */
  confirm(ctx: RequestContext, id: string, ifMatch: IfMatch | null): Promise<AllocationView> {
    return this.#act(ctx, id, ifMatch, {
      action: 'confirm',
      set: sql`held_until = NULL, activated_at = f.at,
               expires_at = f.at + make_interval(secs => f.duration_s)`,
      events: { allocation: 'confirmed', gpu: 'allocated', reason: null },
    });
  }

  /**
   * Moves the deadline to so many seconds from now, never closer; by default as many as were asked for at first.
   * What has no deadline, or a later one, stays as it is.
   */
  extend(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    { holdTtlS, durationS }: Static<typeof ExtendAllocation>,
  ): Promise<AllocationView> {
    const events: Step['events'] = { allocation: 'extended', gpu: null, reason: null };
    const hold: Act = { action: 'extendHold', events, ...moved(sql`held_until`, sql`hold_ttl_s`, holdTtlS) };
    const duration: Act = {
      action: 'extendDuration',
      events,
      ...moved(sql`expires_at`, sql`duration_s`, durationS),
    };
    if (holdTtlS !== undefined) return this.#act(ctx, id, ifMatch, hold);
    if (durationS !== undefined) return this.#act(ctx, id, ifMatch, duration);
    return this.#act(ctx, id, ifMatch, hold, duration);
  }

  /** Gives the GPUs back. */
  release(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    { reason }: Static<typeof ReleaseAllocation>,
  ): Promise<AllocationView> {
    return this.#act(ctx, id, ifMatch, {
      action: 'release',
      set: endedNow(sql`${reason ?? 'released'}::text`),
      events: { allocation: 'released', gpu: 'released', reason: reason ?? null },
    });
  }

  /** Takes the first of these steps that the allocation's state allows. */
  #act(
    ctx: RequestContext,
    id: string,
    ifMatch: IfMatch | null,
    ...acts: [Act, ...Act[]]
  ): Promise<AllocationView> {
    const which = sql`a.id = ${id}::uuid AND ${visibleTo(ctx.principal)}`;
    const work = async (tx: Transaction) => {
      let [act] = acts;
      let met: Met | undefined;
      for (act of acts) {
        const when = sql`${versionIs(ifMatch)} AND ${act.when ?? sql`true`}`;
        [met] = await this.#step(tx, { ...act, which, when, patience: 'wait' });
        if (!met || met.applied || ruling(met.state, act.action) !== 'refuse') break;
      }
      return settle(met, act.action, ifMatch);
    };
    return acts.length === 1 ? this.#db.writeAtOnce(ctx, work) : this.#db.write(ctx, work);
  }
}

type Act = Pick<Step, 'action' | 'set' | 'events'> & { when?: Sql };

/** A deadline moved to so many seconds from now, where that is later; by default as many as `first` says. */
function moved(
  deadline: Sql,
  first: Sql,
  seconds: number | undefined,
): Pick<Act, 'when' | 'set'> & { when: Sql } {
  const from = (row: Sql) =>
    sql`${row}.at + make_interval(secs => coalesce(${seconds ?? null}::integer, ${row}.${first}))`;
  return {
    when: sql`a.${deadline} < ${from(sql`a`)}`,
    set: sql`${deadline} = ${from(sql`f`)}`,
  };
}

/** The allocation after its step, or the reason against it. */
function settle(met: Met | undefined, action: Action, ifMatch: IfMatch | null): AllocationView {
  if (!met) throw notFound('allocation');
  const { applied, ...allocation } = met;
  if (applied) return toView(allocation);
  assertVersion(ifMatch, allocation.version);
  const reason = refusal(allocation, action);
  if (reason) throw reason;
  return toView(allocation);
}
