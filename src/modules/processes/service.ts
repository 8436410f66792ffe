import { createHash } from 'node:crypto';
import sql from 'sql-template-tag';
import type { Static } from 'typebox';
import type { RequestContext } from '../../kernel/context.ts';
import { listPage, type Page, parseList } from '../../kernel/db/list.ts';
import type { Transaction } from '../../kernel/db/transaction.ts';
import { invalid, notFound } from '../../kernel/errors.ts';
import { parseTimestamp } from '../../kernel/http/timestamp.ts';
import type { Kernel } from '../../module.ts';
import { type GpuSubject, type InventoryApi, lockGpu, visibleGpus } from '../inventory/index.ts';
import { processes } from './collection.ts';
import { differenceOf, type Listed } from './domain.ts';
import { staleGeneration } from './errors.ts';
import { reviewProcesses } from './review.ts';
import type { GpuProcess, GpuProcessInput, GpuProcessList, PutGpuProcesses } from './schemas.ts';
import {
  applyDifference,
  type ProcessRow,
  processColumns,
  readList,
  readRunning,
  type StoredList,
  saveList,
} from './store.ts';

type Given = Static<typeof PutGpuProcesses>;
type Answer = Static<typeof GpuProcessList>;

interface Options {
  kernel: Pick<Kernel, 'db' | 'cursors'>;
  liveAllocations: InventoryApi['liveAllocations'];
}

/** What runs on GPUs, and for whom. */
export class ProcessService {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * Replaces the list of a GPU's processes. Generations are strictly ordered under the lock of the GPU; the same one
   * with the same content is a repetition and changes nothing.
   *
   * @throws 404 `gpu.not_found`; 409 `processes.stale_generation`; 400 naming a process that is listed twice.
   */
  put(ctx: RequestContext, gpuId: string, { generation, processes: given }: Given): Promise<Answer> {
    const listed = given.map(toListed).sort((a, b) => a.pid - b.pid);
    assertDistinct(given);
    const digest = createHash('sha256').update(JSON.stringify(listed)).digest();
    return this.#options.kernel.db.write(ctx, async (tx) => {
      const gpu = await lockGpu(tx, ctx.principal, gpuId);
      const stored = await readList(tx, gpuId);
      if (isRepeated(stored, generation, digest)) return answerOf(tx, gpuId, generation, 0, 0);
      return this.#replace(tx, gpu, { listed, generation, digest, known: stored !== undefined });
    });
  }

  async #replace(
    tx: Transaction,
    gpu: GpuSubject,
    {
      listed,
      generation,
      digest,
      known,
    }: { listed: Listed[]; generation: number; digest: Buffer; known: boolean },
  ): Promise<Answer> {
    const before = await readRunning(tx, gpu.id);
    const difference = differenceOf(before, listed);
    const { started, ended } = difference;
    const live = await this.#options.liveAllocations(tx, [...new Set([gpu.id, gpu.rootGpuId])]);
    const ids = [...new Set(live.map(({ allocationId }) => allocationId))];
    // Of two that share a GPU nobody can say whose process it is.
    await applyDifference(tx, gpu, difference, ids.length === 1 ? (ids[0] ?? null) : null);
    await reviewProcesses(tx, gpu, listed, ids.length > 0);
    const changed = started.length + ended.length > 0;
    const version = await saveList(tx, gpu.id, { generation, digest }, changed ? 1 : 0);
    if (changed || !known) await recordList(tx, gpu, version, before, listed);
    return answerOf(tx, gpu.id, generation, started.length, ended.length);
  }

  /** @throws 404 `gpu.not_found`. */
  async list(
    { principal }: RequestContext,
    gpuId: string,
    query: Record<string, unknown>,
  ): Promise<Page<Partial<GpuProcess>>> {
    const { db, cursors } = this.#options.kernel;
    const request = parseList(processes, cursors, query, gpuId);
    const visible = await db.row(sql`/* processes:visible_gpu */
      SELECT 1 FROM inventory.gpu_state s WHERE s.gpu_id = ${gpuId} AND ${visibleGpus(principal)}`);
    if (!visible) throw notFound('gpu');
    return listPage<GpuProcess>(db, cursors, processes, request, {
      columns: processColumns,
      from: sql`inventory.gpu_process p`,
      visible: sql`p.gpu_id = ${gpuId}`,
    });
  }
}

function toListed({ pid, name, user, memoryUsedMb, startedAt }: GpuProcessInput, index: number): Listed {
  const moment = startedAt ? parseTimestamp(startedAt) : null;
  if (moment === undefined)
    throw invalid(`/processes/${index}/startedAt`, 'must be an RFC 3339 date and time');
  return {
    pid,
    name: name ?? null,
    user: user ?? null,
    memoryUsedMb: memoryUsedMb ?? null,
    startedAt: moment,
  };
}

function assertDistinct(given: readonly GpuProcessInput[]): void {
  const seen = new Set<number>();
  for (const [index, { pid }] of given.entries()) {
    if (seen.has(pid)) throw invalid(`/processes/${index}/pid`, 'is listed twice');
    seen.add(pid);
  }
}

function isRepeated(stored: StoredList | undefined, generation: number, digest: Buffer): boolean {
  if (stored === undefined || generation > stored.generation) return false;
  const same = generation === stored.generation && stored.digest.equals(digest);
  if (!same) throw staleGeneration(stored.generation);
  return true;
}

async function answerOf(
  tx: Transaction,
  gpuId: string,
  generation: number,
  started: number,
  ended: number,
): Promise<Answer> {
  return { generation, started, ended, processes: await readRunning(tx, gpuId) };
}

const namesOf = (rows: readonly (ProcessRow | Listed)[]): object => ({
  processes: rows.map(({ pid, name, user }) => ({ pid, name, user })),
});

const recordList = (
  tx: Transaction,
  { id, nodeId, providerId }: GpuSubject,
  version: number,
  before: readonly ProcessRow[],
  after: readonly Listed[],
): Promise<void> =>
  tx.record({
    type: version === 1 ? 'process_list.created' : 'process_list.updated',
    subject: { type: 'process_list', id },
    version,
    diff: { ...(version > 1 && { before: namesOf(before) }), after: namesOf(after) },
    providerId,
    nodeId,
  });
