import sql from 'sql-template-tag';
import type { Change } from '../../../kernel/db/changes.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { type Gate, maskOf, reasonsOf } from '../../../kernel/gates.ts';
import { type GpuSubject, revise } from '../subjects.ts';

/** A locked GPU with its gates. */
export type GatedGpu = Pick<GpuSubject, 'type' | 'id' | 'nodeId' | 'providerId' | 'blocks'>;

interface Turn extends Pick<Change, 'type' | 'reason'> {
  opens?: readonly Gate[];
  shuts?: readonly Gate[];
}

/** Opens and shuts gates of a locked GPU, as a version of it with its one change row. */
export function turnGates(
  tx: Transaction,
  gpu: GatedGpu,
  { opens = [], shuts = [], type, reason = null }: Turn,
): Promise<void> {
  const blocks = (gpu.blocks & ~maskOf(...opens)) | maskOf(...shuts);
  return revise(tx, gpu, {
    set: sql`blocks = ${blocks}`,
    type,
    diff: {
      before: { unschedulableReasons: reasonsOf(gpu.blocks) },
      after: { unschedulableReasons: reasonsOf(blocks) },
    },
    reason,
  });
}

/** Takes a locked GPU out until an operator has looked at it; `instead` of a gate that this takes the place of. */
export const quarantine = (
  tx: Transaction,
  gpu: GatedGpu,
  reason: string,
  ...instead: Gate[]
): Promise<void> =>
  turnGates(tx, gpu, { shuts: ['gpu_quarantined'], opens: instead, type: 'gpu.quarantined', reason });
