import type { RequestContext } from '../../../kernel/context.ts';
import type { Database } from '../../../kernel/db/database.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { AppError } from '../../../kernel/errors.ts';
import type { CatalogueApi } from '../../catalogue/index.ts';
import { visibleNodes } from '../nodes/collection.ts';
import { type Creation, planCreations } from './creation.ts';
import { HardwareConflict, hardwareRaced } from './errors.ts';
import { openConflictFindings } from './findings.ts';
import { type Outcome, replace, settle, succeeded } from './outcomes.ts';
import type { NewGpu } from './partitions.ts';
import { gatesOfNodes, lockNodes } from './placement.ts';
import type { GpuRegistry } from './registry.ts';
import type { SchedulingPolicy } from './schedulability.ts';
import { speakerOf } from './state.ts';
import { type GpuView, readGpus } from './view.ts';
import { writeGpus } from './writer.ts';

/** How often a write that loses a race for hardware is tried. */
const attempts = 3;

/** Registers GPUs: alone, in bulk, and nested in a larger write. */
export class GpuRegistrar implements GpuRegistry {
  readonly #db: Database;
  readonly #catalogue: CatalogueApi;
  readonly #policy: SchedulingPolicy;

  constructor(db: Database, catalogue: CatalogueApi, policy: SchedulingPolicy) {
    this.#db = db;
    this.#catalogue = catalogue;
    this.#policy = policy;
  }

  async register(tx: Transaction, ctx: RequestContext, items: readonly NewGpu[]): Promise<GpuView[]> {
    return succeeded(await this.create(tx, ctx, items, true));
  }

  /**
   * Registers GPUs on nodes that the caller may see; all or nothing when `atomic`, else as many as can be.
   *
   * @throws when `atomic`: the error of an item, with its pointer.
   */
  async create(
    tx: Transaction,
    ctx: RequestContext,
    items: readonly NewGpu[],
    atomic: boolean,
  ): Promise<Outcome<GpuView>[]> {
    if (items.length === 0) return [];
    const nodes = await lockNodes(
      tx,
      items.map(({ nodeId }) => nodeId),
      visibleNodes(ctx.principal),
    );
    const gates = await gatesOfNodes(tx, [...nodes.keys()]);
    const ground = { catalogue: this.#catalogue, nodes, gates, speaker: speakerOf(ctx.principal.role) };
    const planned = await planCreations(tx, ground, items);
    const created: Creation[] = settle(planned, atomic);
    await writeGpus(tx, this.#catalogue, created, []);
    const views = await readGpus(
      tx,
      created.map(({ gpu }) => gpu.id),
      this.#policy,
    );
    return replace(planned, views);
  }

  async withConflictFindings<T>(ctx: RequestContext, write: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await write();
      } catch (error) {
        if (error instanceof HardwareConflict) await openConflictFindings(this.#db, ctx, error.claims);
        const raced = error instanceof AppError && error.code === hardwareRaced().code;
        if (!raced || attempt === attempts) throw error;
      }
    }
  }
}
