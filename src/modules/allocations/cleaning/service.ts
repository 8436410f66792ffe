import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../../kernel/context.ts';
import type { Database } from '../../../kernel/db/database.ts';
import type { Queryable, Transaction } from '../../../kernel/db/transaction.ts';
import { invalid, notFound } from '../../../kernel/errors.ts';
import { type GatedGpu, lockGpu, quarantine, turnGates, visibleGpus } from '../../inventory/index.ts';
import { notCleaning } from '../errors.ts';
import type { GpuCleaning, ReportCleaning } from './schemas.ts';

type View = Static<typeof GpuCleaning>;
type Report = Static<typeof ReportCleaning>;

/** What is left to clean, and how it went. */
export class CleaningService {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async get({ principal }: RequestContext, gpuId: string): Promise<View> {
    const gpu = await this.#db.row(sql`/* allocations:find_gpu */
      SELECT s.gpu_id FROM inventory.gpu_state s WHERE s.gpu_id = ${gpuId} AND ${visibleGpus(principal)}`);
    if (!gpu) throw notFound('gpu');
    return { gpuId, leftovers: await leftoversOn(this.#db, gpuId) };
  }

  /**
   * Opens the gate once nothing is left. A report names the allocation whose leftovers it is about, so that one which
   * comes late cannot open the gate of a later use; an operator may vouch for the whole GPU, and says why.
   *
   * @throws 400 naming what is missing; 404 `gpu.not_found`; 409 `gpu.not_cleaning`.
   */
  report(ctx: RequestContext, gpuId: string, report: Report): Promise<View> {
    const { allocationId = null, outcome = 'clean', reason } = report;
    if (allocationId === null && ctx.principal.role !== 'operator')
      throw invalid('/allocationId', 'is required');
    if (allocationId === null && reason === undefined)
      throw invalid('/reason', 'is required where no allocation is named');
    return this.#db.write(ctx, async (tx) => {
      const gpu = await lockGpu(tx, ctx.principal, gpuId);
      const removed = await tx.execute(sql`/* allocations:remove_leftovers */
        DELETE FROM inventory.gpu_cleaning
         WHERE gpu_id = ${gpuId}::uuid AND allocation_id = coalesce(${allocationId}::uuid, allocation_id)`);
      if (removed === 0) throw notCleaning();
      if (outcome === 'failed') await giveUp(tx, gpu, reason ?? 'cleaning_failed');
      const leftovers = await leftoversOn(tx, gpuId);
      if (outcome === 'clean' && leftovers.length === 0) await open(tx, gpu, reason ?? null);
      return { gpuId, leftovers };
    });
  }
}

const leftoversOn = (db: Queryable, gpuId: string): Promise<View['leftovers']> =>
  db.rows(sql`/* allocations:leftovers */
    SELECT allocation_id, since, deadline_at FROM inventory.gpu_cleaning
     WHERE gpu_id = ${gpuId}::uuid ORDER BY since, allocation_id`);

const open = (tx: Transaction, gpu: GatedGpu, reason: string | null): Promise<void> =>
  turnGates(tx, gpu, { opens: ['gpu_cleaning'], type: 'gpu.cleaned', reason });

/** Whatever is left on it: cleaning becomes quarantine, which only an operator ends. */
export async function giveUp(tx: Transaction, gpu: GatedGpu, reason: string): Promise<void> {
  await tx.execute(sql`/* allocations:give_up_cleaning */
    DELETE FROM inventory.gpu_cleaning WHERE gpu_id = ${gpu.id}::uuid`);
  await quarantine(tx, gpu, reason, 'gpu_cleaning');
}
