import type { Transaction } from '../../kernel/db/transaction.ts';

/** A live row of the ledger. */
export interface LiveAllocation {
  allocationId: string;
  tenantId: string;
  gpuId: string;
}

/**
 * What an inventory write has to ask or tell the ledger inside its own transaction: SQL on `tx` only, no I/O.
 * The rows of these GPUs are locked already, in the order of their ids.
 */
export interface InventoryPorts {
  /** The GPUs are gone, or on another node, as an agent has seen: whoever uses them is interrupted by its policy. */
  gpusLost(tx: Transaction, gpuIds: readonly string[]): Promise<void>;
  /** GPUs that the loss of these gives back as well: those of the allocations that it ends. To be locked before. */
  usedBeside(tx: Transaction, gpuIds: readonly string[]): Promise<string[]>;
  /** The GPUs were seen again where they had been missed. */
  gpusBack(tx: Transaction, gpuIds: readonly string[]): Promise<void>;
  /** Allocations that hold or use any of these GPUs. */
  liveAllocations(tx: Transaction, gpuIds: readonly string[]): Promise<LiveAllocation[]>;
}

/** Stands in until a module that keeps a ledger connects itself. */
export const noLedger: InventoryPorts = {
  gpusLost: async () => {},
  usedBeside: async () => [],
  gpusBack: async () => {},
  liveAllocations: async () => [],
};
