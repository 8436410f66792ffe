import type { Transaction } from '../../kernel/db/transaction.ts';
import { type GpuSubject, openFindings, resolveFindings } from '../inventory/index.ts';
import type { Listed } from './domain.ts';

const kind = 'unattributed_process';
/** How many processes a finding names. */
const namedAtMost = 20;

/** One finding for a GPU on which processes run that it was given to nobody for; resolved when they are gone. */
export async function reviewProcesses(
  tx: Transaction,
  { id, nodeId, providerId }: GpuSubject,
  listed: readonly Listed[],
  isAllocated: boolean,
): Promise<void> {
  if (isAllocated || listed.length === 0) return resolveFindings(tx, kind, [id]);
  const processes = listed.slice(0, namedAtMost).map(({ pid, name, user }) => ({ pid, name, user }));
  const detail = { count: listed.length, processes };
  await openFindings(tx, [{ kind, subjectKey: id, providerId, nodeId, gpuId: id, detail }]);
}
