/**
 * The reasons against giving out a GPU, one bit each in `gpu_state.blocks`. A module owns its bits and sets them with
 * `setGate`; a claim then decides on the one row that it locks, whatever commits beside it. Bits are stored: append,
 * never renumber.
 */
export const gates = {
  provider_not_active: 1,
  node_not_active: 2,
  node_ineligible: 4,
  node_draining: 8,
  node_offline: 16,
  node_not_heard: 32,
  gpu_not_active: 64,
  gpu_missing: 128,
  gpu_failed: 256,
  node_maintenance: 512,
  gpu_quarantined: 1024,
  gpu_cleaning: 2048,
  node_failed: 4096,
  /** Follows from the time (`gatesAt` in `inventory/gpus/schedulability.ts`); stored while a node has two windows. */
  maintenance_window: 8192,
  /** Follows from the time, and is never stored. */
  level_too_low: 16384,
  node_flapping: 32768,
  /** Of a partition: its physical GPU has a gate of its own shut. Kept by triggers. */
  parent_gpu_blocked: 65536,
  /** Of a physical GPU: one of its partitions waits for its cleaning, or is quarantined. Kept by triggers. */
  partition_unclean: 131072,
} as const;

export type Gate = keyof typeof gates;

const all = Object.entries(gates) as [Gate, number][];

/** The mask of several gates. */
export const maskOf = (...names: Gate[]): number => names.reduce((mask, name) => mask | gates[name], 0);

/** The reasons in a mask, in the order of their bits: what the API shows as `unschedulableReasons`. */
export const reasonsOf = (blocks: number): Gate[] =>
  all.filter(([, bit]) => (blocks & bit) !== 0).map(([name]) => name);
