import sql, { type Sql } from 'sql-template-tag';
import type { InventoryPorts, LiveAllocation } from '../inventory/index.ts';
import type { LivenessPorts } from '../liveness/index.ts';
import { restartCleaning } from './cleaning/gate.ts';
import { reviewUsers } from './life/impairment.ts';
import { endedNow, type TakeStep } from './life/transition.ts';

const these = (gpuIds: readonly string[]) => sql`s.gpu_id = ANY(${gpuIds}::uuid[])`;
const onThese = (nodeIds: readonly string[]) => sql`s.node_id = ANY(${nodeIds}::uuid[])`;

/** Those that end where these GPUs are lost, over `allocation a`. */
const endsWith = (gpuIds: readonly string[]): Sql => sql`a.on_interruption = 'release' AND a.id IN (
  SELECT l.allocation_id FROM inventory.allocation_gpu l
   WHERE l.gpu_id = ANY(${gpuIds}::uuid[]) AND l.released_at IS NULL)`;

/** What the inventory asks and tells the ledger inside its own transactions. */
export const ledgerPorts = (step: TakeStep): InventoryPorts => ({
  /** Whoever uses a lost GPU loses the whole allocation with it: half of a job's GPUs are of no use. */
  async gpusLost(tx, gpuIds) {
    await step(tx, {
      action: 'interrupt',
      which: endsWith(gpuIds),
      set: endedNow(sql`'gpu_lost'`),
      events: { allocation: 'interrupted', gpu: 'released', reason: 'gpu_lost' },
      patience: 'wait',
    });
    await reviewUsers(tx, these(gpuIds));
  },

  async usedBeside(tx, gpuIds) {
    const rows = await tx.rows<{ gpuId: string }>(sql`/* allocations:used_beside */
      SELECT DISTINCT l.gpu_id FROM inventory.allocation a JOIN inventory.allocation_gpu l ON l.allocation_id = a.id
       WHERE ${endsWith(gpuIds)} AND l.released_at IS NULL`);
    return rows.map(({ gpuId }) => gpuId);
  },

  async gpusBack(tx, gpuIds) {
    await reviewUsers(tx, these(gpuIds));
    await restartCleaning(tx, these(gpuIds));
  },

  liveAllocations: (tx, gpuIds) =>
    tx.rows<LiveAllocation>(sql`/* allocations:live_on */
      SELECT l.allocation_id, a.tenant_id, l.gpu_id
        FROM inventory.allocation_gpu l JOIN inventory.allocation a ON a.id = l.allocation_id
       WHERE l.gpu_id = ANY(${gpuIds}::uuid[]) AND l.released_at IS NULL ORDER BY l.gpu_id, l.allocation_id`),
});

/** What liveness tells of nodes inside its own transactions. */
export const nodePorts: LivenessPorts = {
  async nodesTurned(tx, nodeIds) {
    await reviewUsers(tx, onThese(nodeIds));
    await restartCleaning(tx, onThese(nodeIds));
  },
};
