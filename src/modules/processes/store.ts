import sql from 'sql-template-tag';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { newId } from '../../kernel/ids.ts';
import type { GpuSubject } from '../inventory/index.ts';
import type { Difference, Listed } from './domain.ts';
import type { GpuProcess } from './schemas.ts';

/** A process as the API shows it. */
export const processColumns = sql`
  p.id, p.gpu_id, p.pid, p.name, p."user", p.memory_used_mb, p.started_at, p.ended_at, p.allocation_id`;

/** With times as the driver reads them. */
export type ProcessRow = GpuProcess & { startedAt: Date };

/** The last list of a GPU. */
export interface StoredList {
  generation: number;
  digest: Buffer;
  version: number;
}

export const readList = (tx: Transaction, gpuId: string): Promise<StoredList | undefined> =>
  tx.row<StoredList>(sql`/* processes:list_of_gpu */
    SELECT generation, digest, version FROM inventory.gpu_process_list WHERE gpu_id = ${gpuId}`);

/** Keeps the generation; `step` is 1 where a process began or ended. Answers the version. */
export async function saveList(
  tx: Transaction,
  gpuId: string,
  { generation, digest }: Omit<StoredList, 'version'>,
  step: 0 | 1,
): Promise<number> {
  const row = await tx.row<{ version: number }>(sql`/* processes:save_list */
    INSERT INTO inventory.gpu_process_list AS l (gpu_id, generation, digest)
    VALUES (${gpuId}, ${generation}, ${digest})
        ON CONFLICT (gpu_id) DO UPDATE
       SET generation = excluded.generation, digest = excluded.digest, version = l.version + ${step}::integer
    RETURNING version`);
  return (row as { version: number }).version;
}

export const readRunning = (tx: Transaction, gpuId: string): Promise<ProcessRow[]> =>
  tx.rows<ProcessRow>(sql`/* processes:running */
    SELECT ${processColumns} FROM inventory.gpu_process p
     WHERE p.gpu_id = ${gpuId} AND p.ended_at IS NULL ORDER BY p.pid`);

/** Begins, goes on with and ends processes; those that begin run for `allocationId`. */
export async function applyDifference(
  tx: Transaction,
  gpu: GpuSubject,
  { started, continued, ended }: Difference<ProcessRow>,
  allocationId: string | null,
): Promise<void> {
  if (ended.length > 0) await end(tx, ended);
  const changed = continued.filter(({ before, now }) => isRestated(before, now, allocationId));
  if (changed.length > 0) await restate(tx, changed, allocationId);
  if (started.length > 0) await begin(tx, gpu, started, allocationId);
}

const isRestated = (before: ProcessRow, now: Listed, allocationId: string | null): boolean =>
  before.user !== now.user ||
  before.memoryUsedMb !== now.memoryUsedMb ||
  (before.allocationId === null && allocationId !== null);

const end = (tx: Transaction, ended: readonly ProcessRow[]): Promise<number> =>
  tx.execute(sql`/* processes:end */
    UPDATE inventory.gpu_process SET ended_at = greatest(clock_timestamp(), started_at)
     WHERE id = ANY(${ended.map(({ id }) => id)}::uuid[])`);

const restate = (
  tx: Transaction,
  changed: Difference<ProcessRow>['continued'],
  allocationId: string | null,
): Promise<number> =>
  tx.execute(sql`/* processes:restate */
    UPDATE inventory.gpu_process p
       SET "user" = i."user", memory_used_mb = i.memory_used_mb,
           allocation_id = coalesce(p.allocation_id, ${allocationId}::uuid)
      FROM unnest(${changed.map(({ before }) => before.id)}::uuid[], ${changed.map(({ now }) => now.user)}::text[],
                  ${changed.map(({ now }) => now.memoryUsedMb)}::integer[]) AS i(id, "user", memory_used_mb)
     WHERE p.id = i.id`);

const begin = (
  tx: Transaction,
  { id, nodeId, providerId }: GpuSubject,
  started: readonly Listed[],
  allocationId: string | null,
): Promise<number> =>
  tx.execute(sql`/* processes:begin */
    INSERT INTO inventory.gpu_process (id, gpu_id, node_id, provider_id, pid, name, "user", memory_used_mb, started_at,
                                       allocation_id)
    SELECT i.id, ${id}, ${nodeId}, ${providerId}, i.pid, i.name, i."user", i.memory_used_mb,
           coalesce(i.started_at, clock_timestamp()), ${allocationId}::uuid
      FROM unnest(${started.map(() => newId())}::uuid[], ${started.map(({ pid }) => pid)}::integer[],
                  ${started.map(({ name }) => name)}::text[], ${started.map(({ user }) => user)}::text[],
                  ${started.map(({ memoryUsedMb }) => memoryUsedMb)}::integer[],
                  ${started.map(({ startedAt }) => startedAt)}::timestamptz[])
        AS i(id, pid, name, "user", memory_used_mb, started_at)`);
