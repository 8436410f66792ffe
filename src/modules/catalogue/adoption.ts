import sql from 'sql-template-tag';
import type { Database } from '../../kernel/db/database.ts';
import type { Clock } from '../../kernel/time.ts';
import { type GpuIdentity, UNCATALOGUED } from './domain.ts';
import type { LiveCatalogue } from './live-catalogue.ts';

interface Options {
  db: Database;
  catalogue: LiveCatalogue;
  clock: Clock;
}

interface Adopted {
  gpuId: string;
  modelId: string;
}

const pageSize = 500;
/** Another replica may still store GPUs by an older catalogue: what slipped through is found a minute later. */
const sweepAtLeastEveryMs = 60_000;
const beforeAll = '00000000-0000-0000-0000-000000000000';

/**
 * Gives GPUs that were `uncatalogued` their model once the catalogue knows it. A worker and no part of the request
 * that adds a model: names are resolved in code, and thousands of GPUs would stay locked meanwhile. Only
 * `uncatalogued` GPUs are touched; what has a model keeps it until its next snapshot.
 */
export class Adoption {
  readonly #on: Options;
  #swept = { revision: -1, atMs: 0 };

  constructor(on: Options) {
    this.#on = on;
  }

  /** Sweeps when the catalogue has changed since the last time, or that is long ago. */
  async run(): Promise<void> {
    const { catalogue, clock } = this.#on;
    const [revision, atMs] = [catalogue.revision, clock.now()];
    if (revision === this.#swept.revision && atMs - this.#swept.atMs < sweepAtLeastEveryMs) return;
    await this.#sweep();
    this.#swept = { revision, atMs };
  }

  /** Walks by key over the index `gpu_state_model_id_idx`. */
  async #sweep(): Promise<void> {
    let page: (GpuIdentity & { gpuId: string })[];
    let after = beforeAll;
    do {
      page = await this.#on.db.rows(sql`/* catalogue:uncatalogued_gpus */
        SELECT s.gpu_id, g.vendor, g.name, g.pci_device_id,
               CASE WHEN g.parent_gpu_id IS NULL THEN s.memory_total_mb END AS memory_total_mb
          FROM inventory.gpu_state s JOIN inventory.gpu g ON g.id = s.gpu_id
         WHERE s.model_id = ${UNCATALOGUED} AND s.deleted_at IS NULL AND s.gpu_id > ${after}::uuid
         ORDER BY s.gpu_id LIMIT ${pageSize}`);
      const known = page
        .map((gpu) => ({ gpuId: gpu.gpuId, modelId: this.#on.catalogue.resolve(gpu) }))
        .filter(({ modelId }) => modelId !== UNCATALOGUED);
      if (known.length > 0) await this.#assign(known);
      after = page.at(-1)?.gpuId ?? after;
    } while (page.length === pageSize);
  }

  #assign(known: readonly Adopted[]): Promise<void> {
    return this.#on.db.write({ worker: 'catalogue' }, async (tx) => {
      const adopted = await tx.rows<Adopted & { providerId: string; nodeId: string; version: number }>(sql`
        /* catalogue:adopt_gpus */
        WITH due AS (
          SELECT s.gpu_id, k.model_id
            FROM inventory.gpu_state s
            JOIN unnest(${known.map((gpu) => gpu.gpuId)}::uuid[], ${known.map((gpu) => gpu.modelId)}::text[])
                   AS k(gpu_id, model_id) ON k.gpu_id = s.gpu_id
           WHERE s.model_id = ${UNCATALOGUED} AND s.deleted_at IS NULL
           ORDER BY s.gpu_id
             FOR NO KEY UPDATE OF s
        )
        UPDATE inventory.gpu_state s
           SET model_id = due.model_id, version = s.version + 1, updated_at = inventory.moment_after(s.updated_at)
          FROM due
         WHERE s.gpu_id = due.gpu_id
        RETURNING s.gpu_id, s.model_id, s.provider_id, s.node_id, s.version`);
      await tx.record(
        ...adopted.map(({ gpuId, modelId, providerId, nodeId, version }) => ({
          type: 'gpu.updated',
          subject: { type: 'gpu', id: gpuId },
          version,
          diff: { before: { modelId: UNCATALOGUED }, after: { modelId } },
          reason: 'the catalogue knows its model now',
          providerId,
          nodeId,
        })),
      );
      tx.invalidate('gpus', ...adopted.map(({ gpuId }) => `gpu:${gpuId}`));
    });
  }
}
