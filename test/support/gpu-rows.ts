import { randomUUID } from 'node:crypto';
import type pg from 'pg';

/** What differs between the GPUs of a test; the rest is made up. */
export interface GpuRow {
  vendor?: string;
  name?: string;
  pciDeviceId?: string | null;
  memoryTotalMb?: number | null;
  modelId?: string;
}

export interface AddedGpus {
  providerId: string;
  nodeId: string;
  gpuIds: string[];
}

/** A provider with one node and these GPUs, written straight into the tables. */
export async function addGpus(owner: pg.Pool, gpus: readonly GpuRow[]): Promise<AddedGpus> {
  const [providerId, nodeId] = [randomUUID(), randomUUID()];
  await owner.query(
    `INSERT INTO inventory.provider (id, name, email, region) VALUES ($1::uuid, 'Rows', $1::text || '@example.test', 'eu')`,
    [providerId],
  );
  await owner.query(
    `INSERT INTO inventory.node (id, provider_id, hostname, region) VALUES ($1::uuid, $2, $1::text, 'eu')`,
    [nodeId, providerId],
  );
  const gpuIds: string[] = [];
  for (const gpu of gpus) gpuIds.push(await addGpu(owner, providerId, nodeId, gpu));
  return { providerId, nodeId, gpuIds };
}

async function addGpu(owner: pg.Pool, providerId: string, nodeId: string, gpu: GpuRow): Promise<string> {
  const id = randomUUID();
  const { vendor = 'nvidia', name = 'GPU', pciDeviceId = null, memoryTotalMb = null, modelId } = gpu;
  await owner.query(
    `INSERT INTO inventory.gpu (id, node_id, provider_id, vendor, uuid, uuid_key, name, pci_device_id)
     VALUES ($1::uuid, $2, $3, $4, $1::text, $1::text, $5, $6)`,
    [id, nodeId, providerId, vendor, name, pciDeviceId],
  );
  await owner.query(
    `INSERT INTO inventory.gpu_state (gpu_id, seq, node_seq, node_id, provider_id, root_gpu_id, vendor, region,
                                      memory_total_mb, model_id)
     SELECT g.id, g.seq, n.seq, n.id, g.provider_id, g.id, g.vendor, n.region, $2, $3
       FROM inventory.gpu g JOIN inventory.node n ON n.id = g.node_id WHERE g.id = $1`,
    [id, memoryTotalMb, modelId ?? 'uncatalogued'],
  );
  return id;
}
