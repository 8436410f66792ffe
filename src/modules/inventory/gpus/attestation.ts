import type { Transaction } from '../../../kernel/db/transaction.ts';
import type { CatalogueApi, GpuCapabilities, GpuSpecs } from '../../catalogue/index.ts';
import { capabilityNames, specKinds, specNames } from './properties.ts';
import { speak } from './state.ts';
import { readStored, theseGpus } from './store.ts';
import { isSame, writeGpus } from './writer.ts';

const isMeasure = (name: keyof GpuSpecs, value: unknown): boolean => {
  const kind = specKinds[name];
  if (kind.type === 'text') return typeof value === 'string' && value.length > 0 && value.length <= 64;
  if (typeof value !== 'number' || value <= 0 || value > kind.max) return false;
  return kind.type === 'real' || Number.isInteger(value);
};

const membersOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** The measures and abilities that a free-form document tells; what is unknown or no such value is left out. */
function readStatement(document: Record<string, unknown>) {
  const specs = Object.entries(membersOf(document.specs)).filter(([name, value]) =>
    specNames.some((known) => known === name && isMeasure(known, value)),
  );
  const capabilities = Object.entries(membersOf(document.capabilities)).filter(
    ([name, value]) => capabilityNames.some((known) => known === name) && typeof value === 'boolean',
  );
  return {
    specs: Object.fromEntries(specs) as Partial<GpuSpecs>,
    capabilities: Object.fromEntries(capabilities) as Partial<GpuCapabilities>,
  };
}

/**
 * Takes `specs` and `capabilities` of evidence that a verdict confirmed into the attested layer, which outranks what
 * is observed and declared. The GPU is locked by this transaction. Evidence that tells neither changes nothing.
 */
export async function attestGpu(
  tx: Transaction,
  catalogue: CatalogueApi,
  gpuId: string,
  evidence: Record<string, unknown>,
): Promise<void> {
  const { specs, capabilities } = readStatement(evidence);
  if (Object.keys({ ...specs, ...capabilities }).length === 0) return;
  const [before] = await readStored(tx, theseGpus([gpuId]));
  if (!before) return;
  const speaker = { layer: 'attested', source: 'verdict' } as const;
  const after = speak(before, { facts: {}, specs, capabilities }, speaker, catalogue.resolve);
  if (!isSame(before, after)) await writeGpus(tx, catalogue, [], [{ before, after, verb: 'attested' }]);
}
