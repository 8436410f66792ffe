import { setTimeout as delay } from 'node:timers/promises';
import sql, { type Sql } from 'sql-template-tag';
import type { Database } from './db/database.ts';
import { AppError } from './errors.ts';
import { dropPartition, type OutdatedPartition, outdatedPartitions, type Series } from './partitions.ts';

/**
 * What became of an outdated partition. `in_use`: its rows are still needed; `busy`: readers or writers kept its table
 * locked; both are tried again by the next run. `outdated`: a dry run leaves it.
 */
export type Outcome = 'dropped' | 'outdated' | 'in_use' | 'busy';

export interface Verdict extends Omit<OutdatedPartition, 'inUse'> {
  table: string;
  outcome: Outcome;
}

interface RetentionOptions {
  dryRun?: boolean;
  /** The moment to judge by, as SQL; the database's clock unless a test says otherwise. */
  moment?: Sql;
}

const attempts = 5;
const pauseMs = 200;

/**
 * Drops what has outlived its time, partition by partition, each in a transaction of its own: a lock that is not had at
 * once is given up and asked for again, so that nobody queues up behind it. Safe beside the same run elsewhere.
 */
export async function runRetention(
  db: Database,
  all: readonly Series[],
  { dryRun = false, moment = sql`clock_timestamp()` }: RetentionOptions = {},
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const series of all) {
    for (const { inUse, ...partition } of await outdatedPartitions(db, series, moment)) {
      const outcome = inUse ? 'in_use' : dryRun ? 'outdated' : await drop(db, partition.name);
      if (outcome !== null) verdicts.push({ table: series.table, ...partition, outcome });
    }
  }
  return verdicts;
}

/** Null where another run was quicker. */
async function drop(db: Database, name: string): Promise<Outcome | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      await dropPartition(db, name);
      return 'dropped';
    } catch (error) {
      if (isGone(error)) return null;
      if (!isBusy(error)) throw error;
      if (attempt === attempts) return 'busy';
      await delay(pauseMs * (0.5 + Math.random()));
    }
  }
}

const isBusy = (error: unknown): boolean => error instanceof AppError && error.code === 'resource.busy';
const isGone = (error: unknown): boolean => (error as { code?: unknown }).code === '42P01';
