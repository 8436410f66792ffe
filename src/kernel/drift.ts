import sql, { type Sql } from 'sql-template-tag';
import type { Database } from './db/database.ts';
import type { Transaction } from './db/transaction.ts';
import { AppError } from './errors.ts';

/** One way in which the database can come to disagree with itself that no constraint refuses. */
export interface DriftClass {
  name: string;
  /** What should hold, in words. */
  rule: string;
  /** Selects what does not: `subject` and `detail`, both text. */
  find: Sql;
  /** Repairs some of what `find` selects, looking again under lock; what is left is for the next call. */
  repair(tx: Transaction): Promise<void>;
}

export interface Drift {
  class: string;
  rule: string;
  /** How many objects drifted, of which the first few are in `examples`; null where the look took too long. */
  found: number | null;
  examples: { subject: string; detail: string | null }[];
}

/** Who repairs, as change rows have it. */
const reconciler = { worker: 'core.reconcile' };
const namedAtMost = 5;
/** Calls of `repair` for one class in one run: each repairs up to some hundreds of objects. */
const repairsAtMost = 1000;

/** Looks for drift of every class, each in a snapshot of its own; classes without any are in the answer as well. */
export async function findDrift(db: Database, classes: readonly DriftClass[]): Promise<Drift[]> {
  const drifts: Drift[] = [];
  for (const one of classes) drifts.push(await examine(db, one));
  return drifts;
}

/**
 * Repairs drift, class by class in their order, in short transactions beside a running service. Returns what was found
 * before; what is found after tells whether all of it could be repaired.
 */
export async function repairDrift(db: Database, classes: readonly DriftClass[]): Promise<Drift[]> {
  const drifts: Drift[] = [];
  for (const one of classes) {
    const before = await examine(db, one);
    drifts.push(before);
    if (before.found !== null) await repairAll(db, one, before.found);
  }
  return drifts;
}

/** Until nothing is left, or a repair repairs nothing: somebody has to look at that. */
async function repairAll(db: Database, one: DriftClass, found: number): Promise<void> {
  let left = found;
  for (let repairs = 0; left > 0 && repairs < repairsAtMost; repairs++) {
    await db.write(reconciler, (tx) => one.repair(tx));
    const { found: still } = await examine(db, one);
    if (still === null || still >= left) return;
    left = still;
  }
}

async function examine(db: Database, one: DriftClass): Promise<Drift> {
  const { name, rule } = one;
  try {
    const rows = await look(db, one);
    const examples = rows.map(({ subject, detail }) => ({ subject, detail }));
    return { class: name, rule, found: rows[0]?.found ?? 0, examples };
  } catch (error) {
    // The other classes are looked at all the same.
    if (error instanceof AppError && error.code === 'query.timeout')
      return { class: name, rule, found: null, examples: [] };
    throw error;
  }
}

const look = (db: Database, { find }: DriftClass) =>
  db.read(reconciler, (tx) =>
    tx.rows<{ found: number; subject: string; detail: string | null }>(sql`/* core:find_drift */
      SELECT count(*) OVER () AS found, d.subject, d.detail FROM (${find}) d LIMIT ${namedAtMost}`),
  );
