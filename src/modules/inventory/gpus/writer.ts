import type { Change } from '../../../kernel/db/changes.ts';
import { diffOf } from '../../../kernel/db/changes.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import type { Gate } from '../../../kernel/gates.ts';
import type { CatalogueApi } from '../../catalogue/index.ts';
import { reviewSpecs } from './findings.ts';
import type { LockedNode } from './placement.ts';
import { quarantineReturned } from './returned.ts';
import { type StoredGpu, stateOf } from './state.ts';
import { insertGpus, updateGpus } from './store.ts';

/** A GPU as it was under lock, and as it is to be. */
export interface ChangedGpu {
  before: StoredGpu;
  after: StoredGpu;
  /** `updated`, `moved`, `lost`, `returned`: the event is `gpu.<verb>`. */
  verb: string;
  /** Where it moved to. */
  node?: LockedNode | undefined;
}

/** Whether the two are one version. */
export const isSame = (before: StoredGpu, after: StoredGpu): boolean =>
  Object.keys(diffOf(stateOf(before), stateOf(after)).after).length === 0;

const concerning = ({ id, providerId, nodeId }: StoredGpu) => ({
  subject: { type: 'gpu', id },
  providerId,
  nodeId,
});

/**
 * Writes new GPUs and next versions in a few statements, however many they are: rows, layers, one change row for each
 * version, and the findings that follow from what the GPUs claim to be.
 */
export async function writeGpus(
  tx: Transaction,
  catalogue: CatalogueApi,
  added: readonly { gpu: StoredGpu; node: LockedNode }[],
  changed: readonly ChangedGpu[],
): Promise<void> {
  const former = await quarantineReturned(
    tx,
    added.map(({ gpu }) => gpu),
  );
  await insertGpus(tx, added);
  await updateGpus(
    tx,
    changed.map(({ after, node }) => ({ gpu: after, node })),
  );
  await tx.record(...added.map(({ gpu }) => creationOf(gpu, former.get(gpu.id))), ...changed.map(changeOf));
  const written = [...added.map(({ gpu }) => gpu), ...changed.map(({ after }) => after)];
  if (written.length === 0) return;
  await reviewSpecs(tx, catalogue, written);
  for (const { id, nodeId, providerId } of written) {
    tx.invalidate('gpus', `gpu:${id}`, `node:${nodeId}`, `provider:${providerId}`);
  }
  for (const { before } of changed) tx.invalidate(`node:${before.nodeId}`);
}

const creationOf = (gpu: StoredGpu, former: readonly Gate[] | undefined): Change => ({
  type: 'gpu.created',
  version: 1,
  reason: former ? `quarantined: ${former.join(', ')} when its hardware was deleted` : null,
  diff: { after: { vendor: gpu.vendor, uuid: gpu.uuid, ...stateOf(gpu) } },
  ...concerning(gpu),
});

const changeOf = ({ before, after, verb }: ChangedGpu): Change => ({
  type: `gpu.${verb}`,
  version: before.version + 1,
  diff: diffOf(stateOf(before), stateOf(after)),
  ...concerning(after),
});
