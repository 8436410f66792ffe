import type { Static } from 'typebox';
import type { Transaction } from '../../../kernel/db/transaction.ts';
import { invalid, notFound } from '../../../kernel/errors.ts';
import { gates } from '../../../kernel/gates.ts';
import { assertVersion, type IfMatch } from '../../../kernel/http/etag.ts';
import { mergePatch } from '../../../kernel/http/merge-patch.ts';
import type { CatalogueApi } from '../../catalogue/index.ts';
import { at } from './errors.ts';
import { factsOf } from './identity.ts';
import { isError, type Outcome } from './outcomes.ts';
import type { PatchGpu } from './schemas.ts';
import { type Speaker, type Statement, type StoredGpu, speak } from './state.ts';
import { readStored, theseGpus } from './store.ts';
import type { ChangedGpu } from './writer.ts';

export type GpuPatch = Static<typeof PatchGpu>;

/** One merge patch and the version that it was made for. */
export interface PatchItem {
  id: string;
  ifMatch: IfMatch | null;
  patch: GpuPatch;
  /** Leads to the item in the request's body; empty where the request is about this GPU alone. */
  pointer: string;
}

/** What a merge patch (RFC 7396) of a GPU says in its owner's name: given layers are merged into what was said before. */
function statementOf(
  gpu: StoredGpu,
  { specs, capabilities, labels, ...facts }: GpuPatch,
  speaker: Speaker,
): Statement {
  const said = gpu.layers.find(({ layer, source }) => layer === speaker.layer && source === speaker.source);
  return {
    facts: {
      ...factsOf(facts, gpu.vendor),
      ...(labels === undefined ? {} : factsOf(mergePatch({ labels: gpu.labels }, { labels }), gpu.vendor)),
    },
    specs: specs && mergePatch(said?.specs ?? {}, specs),
    capabilities: capabilities && mergePatch(said?.capabilities ?? {}, capabilities),
  };
}

/** What people decided about a GPU is a gate as well. */
const withLifecycleGate = (gpu: StoredGpu): StoredGpu => ({
  ...gpu,
  blocks: gpu.lifecycle === 'active' ? gpu.blocks & ~gates.gpu_not_active : gpu.blocks | gates.gpu_not_active,
});

/** Decides about each patch of locked GPUs, in input order; nothing is written yet. */
export async function planPatches(
  tx: Transaction,
  items: readonly PatchItem[],
  locked: ReadonlySet<string>,
  speaker: Speaker,
  resolve: CatalogueApi['resolve'],
): Promise<Outcome<ChangedGpu>[]> {
  const stored = await readStored(tx, theseGpus([...locked]));
  const gpus = new Map(stored.map((gpu) => [gpu.id, gpu]));
  const seen = new Set<string>();
  return items.map(({ id, ifMatch, patch, pointer }) => {
    const before = gpus.get(id);
    if (!before) return pointer ? at(`${pointer}/id`, notFound('gpu')) : notFound('gpu');
    if (seen.has(id)) return invalid(`${pointer}/id`, 'is given twice');
    seen.add(id);
    const stale = attempt(() => assertVersion(ifMatch, before.version));
    if (isError(stale)) return pointer ? at(`${pointer}/version`, stale) : stale;
    const after = attempt(() => speak(before, statementOf(before, patch, speaker), speaker, resolve));
    if (isError(after)) return pointer ? at(pointer + (after.errors[0]?.pointer ?? ''), after) : after;
    return { before, after: withLifecycleGate(after), verb: 'updated' };
  });
}

function attempt<T>(work: () => T): Outcome<T> {
  try {
    return work();
  } catch (error) {
    if (isError(error)) return error;
    throw error;
  }
}
