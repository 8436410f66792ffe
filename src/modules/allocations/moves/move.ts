import sql, { type Sql } from 'sql-template-tag';
import { type Change, diffOf } from '../../../kernel/db/changes.ts';
import type { Queryable, Transaction } from '../../../kernel/db/transaction.ts';
import { notFound } from '../../../kernel/errors.ts';
import { assertVersion, type IfMatch } from '../../../kernel/http/etag.ts';
import type { SchedulingPolicy } from '../../inventory/index.ts';
import type { Claim } from '../claims/claim.ts';
import { NotServed } from '../claims/not-served.ts';
import type { CleaningPolicy } from '../cleaning/gate.ts';
import { illegalTransition, movedMeanwhile } from '../errors.ts';
import { ruling, wholeGpu } from '../life/domain.ts';
import { impairment } from '../life/impairment.ts';
import { type AllocationView, allocationColumns, storedGpus } from '../view.ts';
import { giveBack, type LockedGpu, lockToMove, takeMore } from './gpus.ts';
import { planMove } from './plan.ts';

/** The GPUs that an allocation is to have, all of them. */
export interface Destination {
  gpuIds: readonly string[];
  /** What they were found by; null where they were named. */
  request: object | null;
  reason: string | null;
}

export interface Rules {
  policy: SchedulingPolicy;
  cleaning: CleaningPolicy;
}

type Current = AllocationView & { remainingS: number | null };

/** Seconds until its hold or duration is over; NULL where it is not. */
const remainingS = sql`ceil(extract(epoch FROM coalesce(a.held_until, a.expires_at) - clock_timestamp()))::integer`;

const idsOf = ({ gpus }: AllocationView): string[] => gpus.map(({ gpuId }) => gpuId);

/**
 * Makes the GPUs of an allocation others in one step: what goes is given back first, so that its room and its part of the
 * quotas count for what comes; where one GPU cannot be had the whole transaction is undone.
 *
 * @throws 404 `allocation.not_found`; 412; 409 `allocation.illegal_transition`; NotServed saying which GPUs were in the way.
 */
export async function moveTo(
  tx: Transaction,
  { id, visible, ifMatch }: { id: string; visible: Sql; ifMatch: IfMatch | null },
  { gpuIds, request, reason }: Destination,
  { policy, cleaning }: Rules,
): Promise<AllocationView> {
  const locked = await lockToMove(tx, id, gpuIds);
  const before = await lockAllocation(tx, id, visible);
  assertVersion(ifMatch, before.version);
  if (ruling(before.state, 'move') === 'refuse') throw illegalTransition(before.state, 'move');
  const has = idsOf(before);
  if (has.some((gpuId) => !locked.has(gpuId))) throw movedMeanwhile();
  const { coming, going } = planMove(has, gpuIds);
  if (coming.length + going.length === 0) return toView(before);
  const dirty = going.length > 0 ? await giveBack(tx, id, going, cleaning) : new Set<string>();
  if (coming.length > 0) {
    const outcome = await takeMore(tx, id, coming, claimOf(before, coming.length), policy);
    if (!outcome.taken)
      throw new NotServed({ ...outcome, allocation: null, found: [...has, ...outcome.found] });
  }
  const after = await saveMove(tx, id, request);
  const gpus = { locked, share: before.gpus[0]?.share ?? wholeGpu };
  await record(tx, { before, after, reason }, [
    ...going.map((gpuId) => gpuChange(gpus, after, gpuId, { gone: true, dirty: dirty.has(gpuId) })),
    ...coming.map((gpuId) => gpuChange(gpus, after, gpuId, { gone: false, dirty: false })),
  ]);
  return after;
}

/** Locked by a statement of its own: what is read then is what the last move left. */
async function lockAllocation(tx: Transaction, id: string, visible: Sql): Promise<Current> {
  const found = await tx.row(sql`/* allocations:lock_one */
    SELECT a.id FROM inventory.allocation a WHERE a.id = ${id}::uuid AND ${visible} FOR NO KEY UPDATE`);
  if (!found) throw notFound('allocation');
  return (await tx.row<Current>(sql`/* allocations:read_to_move */
    SELECT ${allocationColumns(sql`clock_timestamp()`)}, ${storedGpus} AS gpus,
           ${remainingS} AS remaining_s
      FROM inventory.allocation a WHERE a.id = ${id}::uuid`)) as Current;
}

/** Seconds for which it has its GPUs from now on, a hold before its duration included; null where no end was named. */
export async function placementOf(db: Queryable, id: string): Promise<number | null> {
  const [row] = await db.rows<{ seconds: number | null }>(sql`/* allocations:remaining_placement */
    SELECT CASE a.state WHEN 'held' THEN ${remainingS} + a.duration_s ELSE ${remainingS} END AS seconds
      FROM inventory.allocation a WHERE a.id = ${id}::uuid`);
  return row?.seconds ?? null;
}

const toView = ({ remainingS: _, ...view }: Current): AllocationView => view;

/** What it would claim now, for the time that it has left. */
const claimOf = (current: Current, count: number): Claim => ({
  tenantId: current.tenantId,
  count,
  share: current.gpus[0]?.share ?? wholeGpu,
  holdTtlS: current.state === 'held' ? current.remainingS : null,
  durationS: current.state === 'held' ? current.durationS : current.remainingS,
  onInterruption: current.onInterruption,
  graceS: current.graceS,
  purpose: current.purpose,
  request: null,
});

/** The next version, with the price of what it has now; nothing is billed until nothing of it is away any more. */
const saveMove = async (tx: Transaction, id: string, request: object | null): Promise<AllocationView> =>
  (await tx.row<AllocationView>(sql`/* allocations:save_move */
    WITH f AS (SELECT a.*, clock_timestamp() AS at, ${impairment} IS NULL AS whole FROM inventory.allocation a WHERE a.id = ${id}::uuid),
    total AS (
      SELECT CASE WHEN count(l.price_per_hour_nano_usd) = count(*) THEN sum(l.price_per_hour_nano_usd) END AS price
        FROM inventory.allocation_gpu l WHERE l.allocation_id = ${id}::uuid AND l.released_at IS NULL)
    UPDATE inventory.allocation a
       SET price_per_hour_nano_usd = total.price, request = ${request}::jsonb,
           impaired_by = CASE WHEN NOT f.whole THEN f.impaired_by END,
           billing_stopped_at = CASE WHEN NOT f.whole THEN f.billing_stopped_at END,
           interrupt_at = CASE WHEN NOT f.whole THEN f.interrupt_at END,
           version = f.version + 1, updated_at = greatest(f.at, f.updated_at + interval '1 microsecond')
      FROM f, total WHERE a.id = f.id
    RETURNING ${allocationColumns(sql`f.at`)}, ${storedGpus} AS gpus`)) as AllocationView;

interface Fate {
  gone: boolean;
  dirty: boolean;
}

function gpuChange(
  { locked, share }: { locked: ReadonlyMap<string, LockedGpu>; share: number },
  { id, state, tenantId }: AllocationView,
  gpuId: string,
  { gone, dirty }: Fate,
): Change {
  const gpu = locked.get(gpuId) as LockedGpu;
  const step = gone ? -share : share;
  const used = gpu.usedUnits + step;
  const active = gpu.activeUnits + (state === 'active' ? step : 0);
  const shown = active > 0 ? 'allocated' : dirty ? 'cleaning' : used > 0 ? 'held' : 'free';
  return {
    type: gone ? 'gpu.released' : state === 'active' ? 'gpu.allocated' : 'gpu.held',
    subject: { type: 'gpu', id: gpuId },
    version: gpu.version + 1,
    diff: { after: { allocationId: id, allocationState: shown } },
    providerId: gpu.providerId,
    nodeId: gpu.nodeId,
    tenantId,
  };
}

/** What of an allocation a move can change, as its change row shows it. */
const facts = (allocation: AllocationView) => ({
  gpuIds: idsOf(allocation),
  request: allocation.request,
  pricePerHourNanoUsd: allocation.pricePerHourNanoUsd,
  impairedBy: allocation.impairedBy,
  interruptAt: allocation.interruptAt,
  billingStoppedAt: allocation.billingStoppedAt,
});

async function record(
  tx: Transaction,
  { before, after, reason }: { before: AllocationView; after: AllocationView; reason: string | null },
  gpus: readonly Change[],
): Promise<void> {
  const { id, tenantId, version } = after;
  const diff = diffOf(facts(before), facts(after));
  const subject = { type: 'allocation', id };
  await tx.record({ type: 'allocation.moved', subject, version, diff, reason, tenantId }, ...gpus);
  tx.invalidate('allocations', `allocation:${id}`, 'gpus');
  for (const { subject: gpu, providerId } of gpus) tx.invalidate(`gpu:${gpu.id}`, `provider:${providerId}`);
}
