import type { Transaction } from '../../kernel/db/transaction.ts';

/** What liveness has to tell inside its own transaction: SQL on `tx` only, no I/O. */
export interface LivenessPorts {
  /** Nodes were given up, or are heard again; their rows are locked and the gates of their GPUs turned already. */
  nodesTurned(tx: Transaction, nodeIds: readonly string[]): Promise<void>;
}

/** Stands in until somebody who has to know connects. */
export const nobody: LivenessPorts = { nodesTurned: async () => {} };
