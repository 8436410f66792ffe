import sql from 'sql-template-tag';
import type { InventoryPorts, LiveAllocation } from '../inventory/index.ts';
import type { LivenessPorts } from '../liveness/index.ts';
import { reviewUsers } from './life/impairment.ts';
import { endedNow, step } from './life/transition.ts';

/** What the inventory asks and tells the ledger inside its own transactions. */
export const ledgerPorts: InventoryPorts = {
  /** Whoever uses a lost GPU loses the whole allocation with it: half of a job's GPUs are of no use. */
  async gpusLost(tx, gpuIds) {
    await step(tx, {
      action: 'interrupt',
      which: sql`a.on_interruption = 'release' AND a.id IN (
        SELECT l.allocation_id FROM inventory.allocation_gpu l
         WHERE l.gpu_id = ANY(${gpuIds}::uuid[]) AND l.released_at IS NULL)`,
      set: endedNow(sql`'gpu_lost'`),
      events: { allocation: 'interrupted', gpu: 'released', reason: 'gpu_lost' },
      patience: 'wait',
    });
    await reviewUsers(tx, sql`s.gpu_id = ANY(${gpuIds}::uuid[])`);
  },

  gpusBack: (tx, gpuIds) => reviewUsers(tx, sql`s.gpu_id = ANY(${gpuIds}::uuid[])`),

  liveAllocations: (tx, gpuIds) =>
    tx.rows<LiveAllocation>(sql`/* allocations:live_on */
      SELECT l.allocation_id, a.tenant_id, l.gpu_id
        FROM inventory.allocation_gpu l JOIN inventory.allocation a ON a.id = l.allocation_id
       WHERE l.gpu_id = ANY(${gpuIds}::uuid[]) AND l.released_at IS NULL ORDER BY l.gpu_id, l.allocation_id`),
};

/** What liveness tells of nodes inside its own transactions. */
export const nodePorts: LivenessPorts = {
  nodesTurned: (tx, nodeIds) => reviewUsers(tx, sql`s.node_id = ANY(${nodeIds}::uuid[])`),
};
