import type { Transaction } from '../../kernel/db/transaction.ts';
import { type GpuSubject, openFindings, resolveFindings } from '../inventory/index.ts';
import type { Listed } from './domain.ts';

const kind = 'unattributed_process';
/** How many processes a finding names. */
const namedAtMost = 20;

type Seen = Pick<Listed, 'pid' | 'name' | 'user'>;

/** The finding about processes on a GPU that nobody has. */
export const unattributed = (
  { id, nodeId, providerId }: Pick<GpuSubject, 'id' | 'nodeId' | 'providerId'>,
  seen: readonly Seen[],
) => {
  const processes = seen.slice(0, namedAtMost).map(({ pid, name, user }) => ({ pid, name, user }));
  const detail = { count: seen.length, processes };
  return { kind, subjectKey: id, providerId, nodeId, gpuId: id, detail };
};

/** One finding for a GPU on which processes run that it was given to nobody for; resolved when they are gone. */
export async function reviewProcesses(
  tx: Transaction,
  gpu: GpuSubject,
  listed: readonly Listed[],
  isAllocated: boolean,
): Promise<void> {
  if (isAllocated || listed.length === 0) return resolveFindings(tx, kind, [gpu.id]);
  await openFindings(tx, [unattributed(gpu, listed)]);
}
