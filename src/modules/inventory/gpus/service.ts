import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../../kernel/context.ts';
import { type Collection, type Page, parseList } from '../../../kernel/db/list.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { notFound } from '../../../kernel/errors.ts';
import { gates } from '../../../kernel/gates.ts';
import { assertVersion, type IfMatch } from '../../../kernel/http/etag.ts';
import { parseInclude } from '../../../kernel/http/projection.ts';
import type { Kernel } from '../../../module.ts';
import type { CatalogueApi } from '../../catalogue/index.ts';
import { deleteGpus } from '../deletion.ts';
import { lockGpu } from '../subjects.ts';
import { createGpuCollection } from './collection.ts';
import { readLayers } from './layers.ts';
import { isError, type Outcome, replace, settle } from './outcomes.ts';
import { type GpuPatch, type PatchItem, planPatches } from './patches.ts';
import { PrintedGpus, type PrintGpu } from './printed.ts';
import { turnGates } from './quarantine.ts';
import type { GpuRegistrar } from './registrar.ts';
import type { SchedulingPolicy } from './schedulability.ts';
import type { CreateGpu } from './schemas.ts';
import { searchGpus } from './search.ts';
import { speakerOf } from './state.ts';
import { lockGpus, withFamily } from './store.ts';
import { type GpuView, readGpus, visibleGpus } from './view.ts';
import { isSame, writeGpus } from './writer.ts';

export type CreateInput = Static<typeof CreateGpu>;

interface Options {
  kernel: Pick<Kernel, 'db' | 'cursors'>;
  catalogue: CatalogueApi;
  registrar: GpuRegistrar;
  policy: SchedulingPolicy;
}

/** GPUs one by one; what they share with batches takes lists. */
export class GpuService {
  readonly collection: Collection;
  readonly #options: Options;
  readonly #printed: PrintedGpus;

  constructor(options: Options) {
    this.#options = options;
    this.#printed = new PrintedGpus(options.kernel);
    this.collection = createGpuCollection(options.catalogue, options.policy);
  }

  create(ctx: RequestContext, { nodeId, ...input }: CreateInput): Promise<GpuView> {
    const { kernel, registrar } = this.#options;
    return registrar.withConflictFindings(ctx, () =>
      kernel.db.write(ctx, async (tx) =>
        only(await registrar.create(tx, ctx, [{ nodeId, input, pointer: '' }], true)),
      ),
    );
  }

  async get({ principal }: RequestContext, id: string, include?: string): Promise<GpuView> {
    const { kernel, policy } = this.#options;
    const { db } = kernel;
    const wanted = parseInclude(include, ['layers']);
    const [gpu] = await readGpus(db, [id], policy, visibleGpus(principal));
    if (!gpu) throw notFound('gpu');
    return wanted.has('layers') ? { ...gpu, layers: await readLayers(db, id) } : gpu;
  }

  /** One page of printed GPUs. */
  async list(
    { principal }: RequestContext,
    query: Record<string, unknown>,
    print: PrintGpu,
  ): Promise<Page<string>> {
    const { db, cursors } = this.#options.kernel;
    const request = parseList(this.collection, cursors, query, principal.nodeId ?? principal.providerId);
    const scope = {
      collection: this.collection,
      visible: visibleGpus(principal),
      find: this.#options.catalogue.find,
      policy: this.#options.policy,
    };
    if (request.fields === null) return this.#printed.page(request, scope, print);
    const { items, nextCursor } = await searchGpus(db, cursors, request, scope);
    return { items: items.map(print), nextCursor };
  }

  patch(ctx: RequestContext, id: string, ifMatch: IfMatch | null, patch: GpuPatch): Promise<GpuView> {
    return this.#options.kernel.db.write(ctx, async (tx) =>
      only(await this.patchAll(tx, ctx, [{ id, ifMatch, patch, pointer: '' }], true)),
    );
  }

  /**
   * Merges patches into GPUs that the caller may see; all or nothing when `atomic`, else as many as can be.
   *
   * @throws when `atomic`: the error of an item.
   */
  async patchAll(
    tx: Transaction,
    ctx: RequestContext,
    items: readonly PatchItem[],
    atomic: boolean,
  ): Promise<Outcome<GpuView>[]> {
    const { catalogue, policy } = this.#options;
    const locked = await lockGpus(
      tx,
      items.map(({ id }) => id),
      visibleGpus(ctx.principal),
    );
    const planned = await planPatches(tx, items, locked, speakerOf(ctx.principal.role), catalogue.resolve);
    const patched = settle(planned, atomic);
    await writeGpus(
      tx,
      catalogue,
      [],
      patched.filter(({ before, after }) => !isSame(before, after)),
    );
    return replace(
      planned,
      await readGpus(
        tx,
        patched.map(({ after }) => after.id),
        policy,
      ),
    );
  }

  /** An operator has looked at it: what else speaks against it stands. A GPU that is not quarantined stays as it is. */
  clearQuarantine(ctx: RequestContext, id: string, reason: string): Promise<GpuView> {
    return this.#options.kernel.db.write(ctx, async (tx) => {
      const gpu = await lockGpu(tx, ctx.principal, id);
      if (gpu.blocks & gates.gpu_quarantined)
        await turnGates(tx, gpu, { opens: ['gpu_quarantined'], type: 'gpu.quarantine_cleared', reason });
      const [view] = await readGpus(tx, [id], this.#options.policy);
      return view as GpuView;
    });
  }

  /** Soft deletion, with the GPU's partitions. Live allocations stand in its way; the hardware may then return as new. */
  delete(ctx: RequestContext, id: string, ifMatch: IfMatch | null): Promise<void> {
    return this.#options.kernel.db.write(ctx, async (tx) => {
      const [gpu] = await tx.rows<{ version: number }>(sql`/* inventory:lock_gpu_to_delete */
        WITH locked AS MATERIALIZED (
          SELECT s.gpu_id, s.version FROM inventory.gpu_state s
           WHERE s.gpu_id IN (${withFamily([id])}) AND ${visibleGpus(ctx.principal)}
           ORDER BY s.gpu_id FOR NO KEY UPDATE)
        SELECT version FROM locked WHERE gpu_id = ${id}`);
      if (!gpu) throw notFound('gpu');
      assertVersion(ifMatch, gpu.version);
      await deleteGpus(tx, sql`(s.gpu_id = ${id}::uuid OR s.root_gpu_id = ${id}::uuid)`, 'gpu');
    });
  }
}

/** The outcome of an atomic write of one item, whose error has been thrown. */
function only([outcome]: readonly Outcome<GpuView>[]): GpuView {
  if (outcome === undefined || isError(outcome)) throw outcome ?? notFound('gpu');
  return outcome;
}
