import type { Static } from 'typebox';
import type { RequestContext } from '../../../kernel/context.ts';
import type { Database } from '../../../kernel/db/database.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { type AppError, invalid } from '../../../kernel/errors.ts';
import { problemDocument } from '../../../kernel/http/problem.ts';
import { openConflictFindings } from './findings.ts';
import { claimsOf, isError, type Outcome, replace, succeeded } from './outcomes.ts';
import type { GpuRegistrar } from './registrar.ts';
import type { GpuBatch, GpuBatchOutcomes, GpuBatchReply } from './schemas.ts';
import type { GpuService } from './service.ts';
import type { GpuView } from './view.ts';

type Batch = Static<typeof GpuBatch>;

interface Options {
  db: Database;
  registrar: GpuRegistrar;
  gpus: GpuService;
}

/** Up to 1,000 GPUs created or patched in the same handful of statements that one takes. */
export class GpuBatchService {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** All or nothing; a fault names the item. */
  apply(ctx: RequestContext, batch: Batch): Promise<Static<typeof GpuBatchReply>> {
    const { db, registrar } = this.#options;
    return registrar.withConflictFindings(ctx, () =>
      db.write(ctx, async (tx) => {
        return { gpus: succeeded(await this.#write(tx, ctx, batch, true)) };
      }),
    );
  }

  /**
   * As many items as can be, and for each what came of it, in input order; those with a fault, by their index, are not
   * looked at.
   */
  async applyEach(
    ctx: RequestContext,
    batch: Batch,
    faults: ReadonlyMap<number, AppError>,
  ): Promise<Static<typeof GpuBatchOutcomes>> {
    const { db, registrar } = this.#options;
    let outcomes: Outcome<GpuView>[] = [];
    const reply = await registrar.withConflictFindings(ctx, () =>
      db.write(ctx, async (tx) => {
        outcomes = await this.#write(tx, ctx, batch, false, faults);
        return { results: outcomes.map((outcome) => resultOf(outcome, batch, ctx)) };
      }),
    );
    await openConflictFindings(db, ctx, claimsOf(outcomes));
    return reply;
  }

  async #write(
    tx: Transaction,
    ctx: RequestContext,
    { gpus, patches }: Batch,
    atomic: boolean,
    faults: ReadonlyMap<number, AppError> = new Map(),
  ): Promise<Outcome<GpuView>[]> {
    const { registrar, gpus: service } = this.#options;
    if (patches) {
      const items = patches.map((item, index) => faults.get(index) ?? toPatch(item, index));
      return replace(items, await service.patchAll(tx, ctx, succeeded(items), atomic));
    }
    if (!gpus) throw invalid('/gpus', 'is required, unless there are patches');
    const items = gpus.map((item, index) => faults.get(index) ?? toNewGpu(item, index));
    return replace(items, await registrar.create(tx, ctx, succeeded(items), atomic));
  }
}

const toPatch = ({ id, version, ...patch }: NonNullable<Batch['patches']>[number], index: number) => ({
  id,
  ifMatch: { versions: [version] },
  patch,
  pointer: `/patches/${index}`,
});

const toNewGpu = ({ nodeId, ...input }: NonNullable<Batch['gpus']>[number], index: number) => ({
  nodeId,
  input,
  pointer: `/gpus/${index}`,
});

function resultOf(outcome: Outcome<GpuView>, batch: Batch, { requestId }: RequestContext) {
  if (isError(outcome)) return { status: outcome.status, problem: problemDocument(outcome, { requestId }) };
  return { status: batch.patches ? 200 : 201, gpu: outcome };
}
