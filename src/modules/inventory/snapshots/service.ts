import sql, { join } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../../kernel/context.ts';
import { diffOf } from '../../../kernel/db/changes.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { notFound } from '../../../kernel/errors.ts';
import { mergePatch } from '../../../kernel/http/merge-patch.ts';
import type { Kernel } from '../../../module.ts';
import type { CatalogueApi } from '../../catalogue/index.ts';
import { hardwareKey, hardwareOf, sortedByKey } from '../gpus/identity.ts';
import { mentioned, placesOf } from '../gpus/partitions.ts';
import { gatesOfNodes, type LockedNode, lockNodes } from '../gpus/placement.ts';
import type { GpuRegistrar } from '../gpus/registrar.ts';
import { speakerOf } from '../gpus/state.ts';
import { ofHardware, onNode, readStored } from '../gpus/store.ts';
import { type ChangedGpu, writeGpus } from '../gpus/writer.ts';
import { visibleNodes } from '../nodes/collection.ts';
import type { InventoryPorts } from '../ports.ts';
import { digestOf, type Snapshot } from './digest.ts';
import { gpusAllocated, staleGeneration } from './errors.ts';
import { GpuLocks, withAllLocks } from './locks.ts';
import { planSurvey, type Survey, type SurveyPlan } from './plan.ts';
import { type InventoryDiff, snapshotLists } from './schemas.ts';

type Diff = Static<typeof InventoryDiff>;
type Lists = Record<(typeof snapshotLists)[number], string[]>;

interface Options {
  kernel: Pick<Kernel, 'db'>;
  catalogue: CatalogueApi;
  registrar: GpuRegistrar;
  ports: InventoryPorts;
}

/** Takes snapshots: the whole truth of a node as its agent sees it, in one transaction. */
export class SnapshotService {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * Applies a snapshot and tells what it changed. Generations are strictly ordered under the lock of the node; the
   * same one with the same content is a repetition and changes nothing.
   *
   * @throws 404 `node.not_found`; 409 `inventory.stale_generation`, `inventory.gpus_allocated`,
   * `gpu.hardware_conflict`; 400 naming a GPU that is given twice or has an unknown parent.
   */
  put(ctx: RequestContext, nodeId: string, snapshot: Snapshot): Promise<Diff> {
    const { kernel, registrar } = this.#options;
    const digest = digestOf(snapshot);
    const once = (needed: readonly string[]) =>
      kernel.db.write(ctx, async (tx) => {
        const node = (await lockNodes(tx, [nodeId], visibleNodes(ctx.principal))).get(nodeId);
        if (!node) throw notFound('node');
        const repeated = isRepeated(node, snapshot.generation, digest);
        const lists = repeated
          ? await this.#present(tx, nodeId, snapshot)
          : await this.#apply(tx, ctx, { node, snapshot, needed });
        if (!repeated) await saveNode(tx, node, snapshot, digest);
        return replyOf(snapshot, lists);
      });
    return registrar.withConflictFindings(ctx, () => withAllLocks(once));
  }

  async #apply(
    tx: Transaction,
    ctx: RequestContext,
    { node, snapshot, needed }: { node: LockedNode; snapshot: Snapshot; needed: readonly string[] },
  ): Promise<Lists> {
    const { catalogue } = this.#options;
    const survey: Survey = {
      node,
      items: snapshot.gpus.map((input, index) => ({ nodeId: node.id, input, pointer: `/gpus/${index}` })),
      whole: snapshot.complete && (snapshot.gpus.length > 0 || snapshot.confirmEmpty),
      speaker: speakerOf(ctx.principal.role),
      resolve: catalogue.resolve,
    };
    const plan = await this.#plan(tx, survey, needed);
    const uprooted = changesOf(plan).filter(isUprooted);
    if (declares(survey)) await this.#assertUnused(tx, uprooted);
    await writeGpus(tx, catalogue, plan.added, changesOf(plan));
    if (!declares(survey) && uprooted.length > 0) await this.#options.ports.gpusLost(tx, idsOf(uprooted));
    if (plan.returned.length > 0) await this.#options.ports.gpusBack(tx, idsOf(plan.returned));
    return listsOf(plan);
  }

  /**
   * Compares first and locks then, only what differs: a snapshot that changes nothing leaves no trace on any GPU. What
   * was locked is compared again, since a patch or a claim may have come in between.
   */
  async #plan(tx: Transaction, survey: Survey, needed: readonly string[]): Promise<SurveyPlan> {
    const { node, items } = survey;
    const hardware = mentioned(items.map(({ input }) => input));
    const concerned = join([onNode(node.id), ofHardware(hardware)], ' UNION ');
    const locks = new GpuLocks(tx);
    await locks.take(needed);
    let nodeGates: number | undefined;
    for (;;) {
      const plan = planSurvey(survey, await readStored(tx, concerned), nodeGates ?? 0);
      const anew = await locks.take(await this.#touched(tx, survey, plan));
      const needsGates = nodeGates === undefined && (plan.added.length > 0 || changesOf(plan).some(isMoved));
      if (!anew && !needsGates) return plan;
      if (needsGates) nodeGates = (await gatesOfNodes(tx, [node.id])).get(node.id) ?? 0;
    }
  }

  /** What a plan writes to: the GPUs that change, and those that come free with them. */
  async #touched(tx: Transaction, survey: Survey, plan: SurveyPlan): Promise<string[]> {
    const changes = changesOf(plan);
    const uprooted = changes.filter(isUprooted);
    if (declares(survey) || uprooted.length === 0) return idsOf(changes);
    return [...new Set([...idsOf(changes), ...(await this.#options.ports.usedBeside(tx, idsOf(uprooted)))])];
  }

  async #assertUnused(tx: Transaction, uprooted: readonly ChangedGpu[]): Promise<void> {
    if (uprooted.length === 0) return;
    const allocations = await this.#options.ports.liveAllocations(tx, idsOf(uprooted));
    if (allocations.length > 0) throw gpusAllocated(allocations);
  }

  /** A repetition: the listed GPUs that are still here. */
  async #present(tx: Transaction, nodeId: string, { gpus }: Snapshot): Promise<Lists> {
    const places = placesOf(await readStored(tx, onNode(nodeId)));
    const ids = gpus.map(({ vendor, uuid }) => places.get(hardwareKey(hardwareOf(vendor, uuid)))?.id);
    return {
      added: [],
      updated: [],
      unchanged: ids.filter((id) => id !== undefined),
      missing: [],
      returned: [],
    };
  }
}

const declares = ({ speaker }: Survey): boolean => speaker.layer === 'declared';

const changesOf = ({ updated, returned, missing }: SurveyPlan): ChangedGpu[] => [
  ...updated,
  ...returned,
  ...missing,
];

const idsOf = (changes: readonly ChangedGpu[]): string[] => changes.map(({ before }) => before.id);

const isMoved = ({ before, after }: ChangedGpu): boolean => before.nodeId !== after.nodeId;

/** Gone, or on another node than before: whoever used it there has lost it. */
const isUprooted = (change: ChangedGpu): boolean => change.after.presence === 'missing' || isMoved(change);

function isRepeated(
  { inventoryGeneration, inventoryDigest }: LockedNode,
  generation: number,
  digest: Buffer,
): boolean {
  if (inventoryGeneration === null || generation > inventoryGeneration) return false;
  const same = generation === inventoryGeneration && inventoryDigest?.equals(digest);
  if (!same) throw staleGeneration(inventoryGeneration);
  return true;
}

const listsOf = ({ added, updated, unchanged, missing, returned }: SurveyPlan): Lists => ({
  added: added.map(({ gpu }) => gpu.id),
  updated: idsOf(updated),
  unchanged: unchanged.map(({ id }) => id),
  missing: idsOf(missing),
  returned: idsOf(returned),
});

const replyOf = ({ generation, gpus, confirmEmpty }: Snapshot, lists: Lists): Diff => ({
  generation,
  ...lists,
  counts: Object.fromEntries(snapshotLists.map((name) => [name, lists[name].length])) as Diff['counts'],
  warnings: gpus.length === 0 && !confirmEmpty ? ['inventory.empty_unconfirmed'] : [],
});

/** Keeps the generation; what the node says of itself makes a version, the generation alone does not. */
async function saveNode(
  tx: Transaction,
  { id, providerId, version, system }: LockedNode,
  snapshot: Snapshot,
  digest: Buffer,
): Promise<void> {
  const before = sortedByKey(system);
  const after = sortedByKey(known(mergePatch(system, snapshot.system ?? {})));
  const diff = diffOf({ system: before }, { system: after });
  const step = Object.keys(diff.after).length;
  await tx.execute(sql`/* inventory:save_snapshot_of_node */
    UPDATE inventory.node
       SET inventory_generation = ${snapshot.generation}, inventory_digest = ${digest}, system = ${after},
           version = version + ${step}::integer,
           updated_at = CASE WHEN ${step}::integer > 0 THEN inventory.moment_after(updated_at) ELSE updated_at END
     WHERE id = ${id}`);
  tx.invalidate('nodes', `node:${id}`);
  if (step === 0) return;
  const subject = { type: 'node', id };
  await tx.record({ type: 'node.updated', subject, version: version + step, diff, providerId, nodeId: id });
}

const known = (system: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(system).filter(([, value]) => value !== null));
