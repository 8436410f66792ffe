import type { CacheOptions } from './kernel/cache/cache.ts';
import type { Database } from './kernel/db/database.ts';
import type { Metrics } from './plugins/metrics.ts';

/** Metrics of what all modules share: the pool, the cache, committed changes by type. */
export function observeKernel(
  metrics: Metrics,
  db: Database,
): { cache: NonNullable<CacheOptions['observe']> } {
  const { pool } = db;
  metrics.gauge('inventory_database_connections', 'Open connections of the main pool', () => pool.totalCount);
  metrics.gauge(
    'inventory_database_connections_idle',
    'Idle connections of the main pool',
    () => pool.idleCount,
  );
  metrics.gauge(
    'inventory_database_requests_waiting',
    'Requests that wait for a connection',
    () => pool.waitingCount,
  );
  const reads = metrics.counter('inventory_cache_reads_total', 'Cached reads by domain and outcome', [
    'domain',
    'outcome',
  ]);
  const changes = metrics.counter('inventory_changes_total', 'Committed changes by type', ['type']);
  db.onCommit(async (committed) => {
    for (const { type } of committed) changes.add(1, { type });
  });
  return { cache: (domain, outcome) => reads.add(1, { domain, outcome }) };
}
