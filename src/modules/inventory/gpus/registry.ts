import type { RequestContext } from '../../../kernel/context.ts';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import type { NewGpu } from './partitions.ts';
import type { GpuView } from './view.ts';

/** Registers GPUs as part of a larger write, such as a provider with its nodes. */
export interface GpuRegistry {
  /**
   * Registers GPUs on nodes that exist in this transaction and returns them as the API shows them, in input order: a
   * few statements, however many nodes and GPUs there are.
   *
   * @throws 400 naming an item given twice or with an unknown parent; 409 `gpu.hardware_conflict`, `gpu.exists`.
   */
  register(tx: Transaction, ctx: RequestContext, items: readonly NewGpu[]): Promise<GpuView[]>;

  /**
   * Runs a write that registers GPUs: when it is refused because another provider holds the hardware, a finding is
   * opened in a transaction of its own; when it lost a race for the same hardware, it runs again.
   */
  withConflictFindings<T>(ctx: RequestContext, write: () => Promise<T>): Promise<T>;
}
