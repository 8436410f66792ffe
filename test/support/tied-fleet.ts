import type pg from 'pg';
import type { ClassedGpu } from './candidate-oracle.ts';
import { createProvider } from './fleet.ts';
import { openNode } from './schedulable.ts';
import type { Requests } from './service.ts';

/** Nodes with so many free GPUs each, of three providers in turn. */
export async function openFleet(service: Requests, gpusOfNodes: readonly number[]): Promise<void> {
  const providers = [];
  while (providers.length < 3) providers.push(await createProvider(service));
  for (const [at, gpus] of gpusOfNodes.entries())
    await openNode(service, { providerId: providers[at % 3]?.id as string, gpus });
}

/** Gives all GPUs few values of everything, so that much of it ties. */
export const shuffle = (owner: pg.Pool, seed: number) =>
  owner.query(
    `UPDATE inventory.gpu_state SET
       price_per_hour_nano_usd = (ARRAY[NULL, 1, 2, 2, 3])[1 + (hashtext(gpu_id::text || $1) & 65535) % 5],
       memory_total_mb = (ARRAY[8000, 16000, 24000])[1 + (hashtext(gpu_id::text || 'm' || $1) & 65535) % 3],
       model_id = (ARRAY['model-a', 'model-b'])[1 + (hashtext(gpu_id::text || 'n' || $1) & 65535) % 2],
       health = (ARRAY['ok', 'ok', 'warning'])[1 + (hashtext(gpu_id::text || 'h' || $1) & 65535) % 3],
       level1_until = CASE WHEN hashtext(gpu_id::text || 'l' || $1) & 3 = 0 THEN clock_timestamp() + interval '1 day' END,
       reputation = (ARRAY[NULL, 0.25, 0.5])[1 + (hashtext(provider_id::text || $1) & 65535) % 3]`,
    [String(seed)],
  );

/** The free ones, as the oracles know them. */
export async function freeGpus(owner: pg.Pool): Promise<ClassedGpu[]> {
  const { rows } = await owner.query<ClassedGpu>(
    `SELECT gpu_id AS id, node_id AS "nodeId", node_seq::int AS "nodeSeq", provider_id AS "providerId",
            model_id AS "modelId", slot_index AS index, price_per_hour_nano_usd::int AS price, region, health,
            memory_total_mb AS "memoryMb", reputation, CASE WHEN level1_until IS NULL THEN 0 ELSE 1 END AS level
       FROM inventory.gpu_state WHERE blocks = 0 AND used_units = 0`,
  );
  return rows;
}
