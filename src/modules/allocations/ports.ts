import sql from 'sql-template-tag';
import type { InventoryPorts, LiveAllocation } from '../inventory/index.ts';
import { step } from './life/transition.ts';

/** What the inventory asks and tells the ledger inside its own transactions. */
export const ledgerPorts: InventoryPorts = {
  /** Whoever uses a lost GPU loses the whole allocation with it: half of a job's GPUs are of no use. */
  async gpuLost(tx, gpuIds) {
    await step(tx, {
      action: 'interrupt',
      which: sql`a.id IN (SELECT l.allocation_id FROM inventory.allocation_gpu l
                           WHERE l.gpu_id = ANY(${gpuIds}::uuid[]) AND l.released_at IS NULL)`,
      set: sql`released_at = greatest(f.at, f.created_at), end_reason = 'gpu_lost'`,
      events: { allocation: 'interrupted', gpu: 'released', reason: 'gpu_lost' },
      patience: 'wait',
    });
  },

  liveAllocations: (tx, gpuIds) =>
    tx.rows<LiveAllocation>(sql`/* allocations:live_on */
      SELECT l.allocation_id, a.tenant_id, l.gpu_id
        FROM inventory.allocation_gpu l JOIN inventory.allocation a ON a.id = l.allocation_id
       WHERE l.gpu_id = ANY(${gpuIds}::uuid[]) AND l.released_at IS NULL ORDER BY l.gpu_id, l.allocation_id`),
};
