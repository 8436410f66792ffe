/** Adds to counters that all replicas share, and answers the new totals in the same order. */
export interface SharedCounters {
  add(increments: readonly { key: string; by: number; ttlMs: number }[]): Promise<readonly number[]>;
}
