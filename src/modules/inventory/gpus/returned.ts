import sql from 'sql-template-tag';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import { type Gate, gates, maskOf, reasonsOf } from '../../../kernel/gates.ts';
import { hardwareKey } from './identity.ts';
import type { StoredGpu } from './state.ts';

/** What hardware does not get rid of by being deleted and registered anew. */
const lasting = maskOf('gpu_failed', 'gpu_quarantined', 'gpu_cleaning');

interface Former extends Pick<StoredGpu, 'vendor' | 'uuidKey'> {
  blocks: number;
}

/**
 * Quarantines new GPUs whose hardware was failed, quarantined or not cleaned when it was last deleted, by whomever: an
 * operator has to look at them. Nothing is written yet. Returns what was against them, by their ids.
 */
export async function quarantineReturned(
  db: Queryable,
  gpus: readonly StoredGpu[],
): Promise<ReadonlyMap<string, readonly Gate[]>> {
  if (gpus.length === 0) return new Map();
  const formers = await db.rows<Former>(sql`/* inventory:former_gates */
    SELECT * FROM (
      SELECT DISTINCT ON (g.vendor, g.uuid_key) g.vendor, g.uuid_key, s.blocks & ${lasting}::integer AS blocks
        FROM unnest(${gpus.map(({ vendor }) => vendor)}::text[], ${gpus.map(({ uuidKey }) => uuidKey)}::text[])
          AS known(vendor, uuid_key)
        JOIN inventory.gpu g ON g.vendor = known.vendor AND g.uuid_key = known.uuid_key AND g.deleted_at IS NOT NULL
        JOIN inventory.gpu_state s ON s.gpu_id = g.id
       ORDER BY g.vendor, g.uuid_key, g.deleted_at DESC) former
     WHERE blocks <> 0`);
  const against = new Map(formers.map((former) => [hardwareKey(former), reasonsOf(former.blocks)]));
  const found = new Map<string, readonly Gate[]>();
  for (const gpu of gpus) {
    const reasons = against.get(hardwareKey(gpu));
    if (!reasons) continue;
    gpu.blocks |= gates.gpu_quarantined;
    found.set(gpu.id, reasons);
  }
  return found;
}
