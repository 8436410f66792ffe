import sql from 'sql-template-tag';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { type GpuSubject, revise } from '../inventory/index.ts';
import { grant, type LevelsUntil, levelAt, noLevels } from './domain.ts';

/** What a verification can grant now. */
interface Policy {
  ceiling: number;
  /** The moment of the decision, by the database's clock; after every lock. */
  at: Date;
  validUntil: Date;
}

/** Policy is data: the table `level_policy`. Milliseconds, so that a moment survives its way through JavaScript. */
export const policyOf = async (tx: Transaction, kind: string): Promise<Policy> =>
  (await tx.row<Policy>(sql`/* verifications:policy */
    SELECT p.max_level AS ceiling, now.at, now.at + make_interval(secs => p.validity_s) AS valid_until
      FROM inventory.level_policy p,
           (SELECT date_trunc('milliseconds', clock_timestamp()) AS at) AS now
     WHERE p.kind = ${kind}`)) as Policy;

/** Kinds of findings that keep a GPU from rising while they are open. */
const disputes = ['spec_mismatch', 'source_mismatch'];

/** Whether something about the GPU contradicts its model or another source. */
export async function isDisputed(tx: Transaction, gpuId: string): Promise<boolean> {
  const row = await tx.row<{ disputed: boolean }>(sql`/* verifications:is_disputed */
    SELECT EXISTS (SELECT FROM inventory.finding f
                    WHERE f.gpu_id = ${gpuId} AND f.state = 'open' AND f.kind = ANY(${disputes})) AS disputed`);
  return row?.disputed === true;
}

export const currentLevel = (gpu: GpuSubject, at: Date): number => levelAt(gpu.levelsUntil, at);

interface Grant {
  at: Date;
  validUntil: Date;
  reason: string | null;
}

/** Grants a level to a locked GPU; no version where nothing is gained. */
export async function grantLevel(
  tx: Transaction,
  gpu: GpuSubject,
  level: number,
  { at, validUntil, reason }: Grant,
): Promise<void> {
  const after = grant(gpu.levelsUntil, level, validUntil);
  if (after.some((until, index) => until !== gpu.levelsUntil[index])) {
    await setLevels(tx, gpu, after, { type: 'gpu.verified', at, reason });
  }
}

/** Takes every level from a locked GPU; no version where none holds. */
export async function dropLevels(tx: Transaction, gpu: GpuSubject, reason: string | null): Promise<void> {
  const now = await tx.row<{ at: Date }>(sql`/* verifications:now */ SELECT clock_timestamp() AS at`);
  const { at } = now as { at: Date };
  if (currentLevel(gpu, at) === 0) return;
  await setLevels(tx, gpu, noLevels, { type: 'gpu.level_dropped', at, reason });
}

const shown = (levels: LevelsUntil, at: Date) => {
  const level = levelAt(levels, at);
  return { verification: { level, expiresAt: levels[level - 1] ?? null }, levelsUntil: levels };
};

async function setLevels(
  tx: Transaction,
  gpu: GpuSubject,
  after: LevelsUntil,
  { type, at, reason }: { type: string; at: Date; reason: string | null },
): Promise<void> {
  await revise(tx, gpu, {
    set: sql`level1_until = ${after[0]}, level2_until = ${after[1]}, level3_until = ${after[2]}, level4_until = ${after[3]}`,
    type,
    diff: { before: shown(gpu.levelsUntil, at), after: shown(after, at) },
    reason,
  });
}
