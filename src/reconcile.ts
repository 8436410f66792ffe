import type { Config } from './config/index.ts';
import { type DriftClass, findDrift, repairDrift } from './kernel/drift.ts';
import type { Worker } from './kernel/worker.ts';
import type { Kernel } from './module.ts';

/** Looks for drift now and then, says what it found in log and metrics, and repairs it where that is wanted. */
export function reconcileWorkers(
  { db, log, metrics }: Pick<Kernel, 'db' | 'log' | 'metrics'>,
  { reconcileIntervalS, reconcileApply }: Pick<Config, 'reconcileIntervalS' | 'reconcileApply'>,
  classes: readonly DriftClass[],
): Worker[] {
  let total = 0;
  metrics.gauge('inventory_drift_objects', 'Objects that had drifted at the last look', () => total);
  if (reconcileIntervalS === 0) return [];
  return [
    {
      name: 'core.reconcile',
      intervalMs: reconcileIntervalS * 1000,
      run: async () => {
        const drifts = await (reconcileApply ? repairDrift : findDrift)(db, classes);
        total = drifts.reduce((sum, { found }) => sum + (found ?? 0), 0);
        for (const { class: name, found, examples } of drifts) {
          if (found !== 0) log.warn({ class: name, found, examples, repaired: reconcileApply }, 'drift');
        }
      },
    },
  ];
}
