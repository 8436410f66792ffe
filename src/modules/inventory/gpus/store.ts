import sql, { join, raw, type Sql } from 'sql-template-tag';
import type { Queryable, Transaction } from '../../../kernel/db/transaction.ts';
import type { GpuCapabilities, GpuSpecs } from '../../catalogue/index.ts';
import { type Hardware, sortedByKey } from './identity.ts';
import type { LockedNode } from './placement.ts';
import { capabilityNames, columnOf, specKinds, specNames } from './properties.ts';
import { canonicalLayer, type GpuLayer, type StoredGpu } from './state.ts';

const properties: readonly (keyof GpuSpecs | keyof GpuCapabilities)[] = [...specNames, ...capabilityNames];

/** Ids of the GPUs that are on a node. */
export const onNode = (nodeId: string): Sql =>
  sql`SELECT g.id FROM inventory.gpu g WHERE g.node_id = ${nodeId}::uuid AND g.deleted_at IS NULL`;

/** Ids of the GPUs that are this hardware. */
export const ofHardware = (hardware: readonly Hardware[]): Sql => sql`
  SELECT g.id FROM inventory.gpu g
    JOIN unnest(${hardware.map(({ vendor }) => vendor)}::text[], ${hardware.map(({ uuidKey }) => uuidKey)}::text[])
      AS known(vendor, uuid_key) ON g.vendor = known.vendor AND g.uuid_key = known.uuid_key
   WHERE g.deleted_at IS NULL`;

export const theseGpus = (ids: readonly string[]): Sql => sql`SELECT unnest(${ids}::uuid[])`;

/** Ids of GPUs, of their partitions and of what they are partitions of: who turns a gate of one may turn the others'. */
export const withFamily = (ids: readonly string[]): Sql => sql`
  SELECT unnest(${ids}::uuid[]) UNION
  SELECT p.root_gpu_id FROM inventory.gpu_state p WHERE p.gpu_id = ANY(${ids}::uuid[]) UNION
  SELECT p.gpu_id FROM inventory.gpu_state p
   WHERE p.root_gpu_id = ANY(${ids}::uuid[]) AND p.root_gpu_id <> p.gpu_id AND p.deleted_at IS NULL`;

/**
 * Locks GPUs and their families against claims and other writers, in the order of their ids as everywhere. Returns those
 * of the GPUs that there are.
 */
export async function lockGpus(tx: Transaction, ids: readonly string[], visible: Sql): Promise<Set<string>> {
  const locked = await tx.rows<{ gpuId: string }>(sql`/* inventory:lock_gpus */
    SELECT s.gpu_id FROM inventory.gpu_state s
     WHERE s.gpu_id IN (${withFamily(ids)}) AND ${visible} ORDER BY s.gpu_id FOR NO KEY UPDATE`);
  const asked = new Set(ids);
  return new Set(locked.flatMap(({ gpuId }) => (asked.has(gpuId) ? [gpuId] : [])));
}

type StoredRow = Omit<StoredGpu, 'specs' | 'capabilities'> & GpuSpecs & GpuCapabilities;

/** GPUs as they stand, by a query for their ids. Locks nothing: what is to be changed is locked before. */
export async function readStored(db: Queryable, ids: Sql): Promise<StoredGpu[]> {
  const rows = await db.rows<StoredRow>(sql`/* inventory:read_stored_gpus */
    SELECT g.id, s.node_id, s.provider_id, g.parent_gpu_id, g.vendor, g.uuid, g.uuid_key, g.serial, g.name,
           g.pci_device_id, g.pci_bus_id, g.vbios_version, g.labels, s.slot_index AS index, s.model_id, s.region,
           ${join(properties.map((name) => raw(`s.${columnOf(name)}`)))}, s.driver_version, s.cuda_version,
           s.lifecycle, s.presence, s.blocks, s.price_per_hour_nano_usd::text AS price_per_hour_nano_usd, s.version,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('layer', l.layer, 'source', l.source, 'specs', l.specs,
                                                         'capabilities', l.capabilities)
                     ORDER BY array_position('{attested,observed,declared}', l.layer), l.at DESC), '[]')
              FROM inventory.gpu_layer l WHERE l.gpu_id = g.id) AS layers
      FROM inventory.gpu g JOIN inventory.gpu_state s ON s.gpu_id = g.id
     WHERE g.id IN (${ids})`);
  return rows.map(toStored);
}

function toStored(row: StoredRow): StoredGpu {
  const pick = <T>(names: readonly (keyof T & keyof StoredRow)[]): T =>
    Object.fromEntries(names.map((name) => [name, row[name]])) as T;
  return {
    ...row,
    labels: sortedByKey(row.labels),
    specs: pick<GpuSpecs>(specNames),
    capabilities: pick<GpuCapabilities>(capabilityNames),
    layers: row.layers.map(canonicalLayer),
  };
}

const identityTypes = {
  parent_gpu_id: 'uuid',
  serial: 'text',
  name: 'text',
  pci_device_id: 'text',
  pci_bus_id: 'text',
  vbios_version: 'text',
  labels: 'jsonb',
};

const stateTypes = {
  node_seq: 'bigint',
  root_gpu_id: 'uuid',
  slot_index: 'integer',
  model_id: 'text',
  region: 'text',
  ...Object.fromEntries(specNames.map((name) => [columnOf(name), specKinds[name].type])),
  ...Object.fromEntries(capabilityNames.map((name) => [columnOf(name), 'boolean'])),
  driver_version: 'text',
  cuda_version: 'text',
  lifecycle: 'text',
  presence: 'text',
  blocks: 'integer',
  price_per_hour_nano_usd: 'bigint',
};

/** `node_seq` is needed where the node is new to the GPU; null leaves the column alone. */
export interface WrittenGpu {
  gpu: StoredGpu;
  node?: LockedNode | undefined;
}

/** A measure too small for a `real` column is nothing; PostgreSQL would refuse it (22003). */
const storable = (value: unknown): unknown =>
  typeof value === 'number' && Math.fround(value) === 0 ? 0 : value;

function toRow({ gpu, node }: WrittenGpu, place: number): Record<string, unknown> {
  return {
    id: gpu.id,
    place,
    node_id: gpu.nodeId,
    provider_id: gpu.providerId,
    vendor: gpu.vendor,
    uuid: gpu.uuid,
    uuid_key: gpu.uuidKey,
    reputation: node?.reputation ?? null,
    parent_gpu_id: gpu.parentGpuId,
    serial: gpu.serial,
    name: gpu.name,
    pci_device_id: gpu.pciDeviceId,
    pci_bus_id: gpu.pciBusId,
    vbios_version: gpu.vbiosVersion,
    labels: gpu.labels,
    node_seq: node?.seq ?? null,
    root_gpu_id: gpu.parentGpuId ?? gpu.id,
    slot_index: gpu.index,
    model_id: gpu.modelId,
    region: gpu.region,
    ...Object.fromEntries(
      Object.entries({ ...gpu.specs, ...gpu.capabilities }).map(([name, v]) => [columnOf(name), storable(v)]),
    ),
    driver_version: gpu.driverVersion,
    cuda_version: gpu.cudaVersion,
    lifecycle: gpu.lifecycle,
    presence: gpu.presence,
    blocks: gpu.blocks,
    price_per_hour_nano_usd: gpu.pricePerHourNanoUsd,
  };
}

const names = (types: Record<string, string>, prefix = ''): Sql =>
  join(Object.keys(types).map((name) => raw(prefix + name)));

const recordType = join(
  Object.entries({ ...identityTypes, ...stateTypes }).map(([name, type]) => raw(`${name} ${type}`)),
);

const given = (gpus: readonly WrittenGpu[]): Sql => sql`given AS (
  SELECT * FROM jsonb_to_recordset(${JSON.stringify(gpus.map(toRow))}::jsonb)
    AS r(id uuid, place integer, node_id uuid, provider_id uuid, vendor text, uuid text, uuid_key text,
         reputation real, ${recordType}))`;

/** The window of the node that a GPU is, or comes to be, on: whoever announces one locks node and GPUs. */
const maintenanceOfNode = sql`LEFT JOIN inventory.node_maintenance m ON m.node_id = r.node_id AND m.open`;

/**
 * Stores new GPUs. They are numbered in input order, since what ties otherwise goes to the one registered first, but
 * inserted in the order of their hardware: two requests for the same hardware then wait for each other one way only.
 */
export async function insertGpus(tx: Transaction, gpus: readonly WrittenGpu[]): Promise<void> {
  if (gpus.length === 0) return;
  await tx.execute(sql`/* inventory:insert_gpus */
    WITH ${given(gpus)}, numbered AS MATERIALIZED (
      SELECT *, nextval(pg_get_serial_sequence('inventory.gpu', 'seq')) AS seq
        FROM (SELECT * FROM given ORDER BY place) AS in_order
    ), identity AS (
      INSERT INTO inventory.gpu (id, seq, node_id, provider_id, vendor, uuid, uuid_key, ${names(identityTypes)})
      OVERRIDING SYSTEM VALUE
      SELECT id, seq, node_id, provider_id, vendor, uuid, uuid_key, ${names(identityTypes)}
        FROM numbered ORDER BY vendor, uuid_key
      RETURNING id, seq
    )
    INSERT INTO inventory.gpu_state (gpu_id, seq, node_id, provider_id, vendor, reputation, maintenance_from,
                                     maintenance_until, ${names(stateTypes)})
    SELECT r.id, identity.seq, r.node_id, r.provider_id, r.vendor, r.reputation, m.from_at, m.until_at,
           ${names(stateTypes, 'r.')}
      FROM given r JOIN identity ON identity.id = r.id ${maintenanceOfNode}`);
  await saveLayers(tx, gpus);
}

/** Writes the next version of locked GPUs. */
export async function updateGpus(tx: Transaction, gpus: readonly WrittenGpu[]): Promise<void> {
  if (gpus.length === 0) return;
  const { node_seq: _, ...changeable } = stateTypes;
  await tx.execute(sql`/* inventory:update_gpus */
    WITH ${given(gpus)}, identity AS (
      UPDATE inventory.gpu g SET (node_id, ${names(identityTypes)}) = ROW(r.node_id, ${names(identityTypes, 'r.')})
        FROM given r
       WHERE g.id = r.id
         AND (g.node_id, ${names(identityTypes, 'g.')}) IS DISTINCT FROM (r.node_id, ${names(identityTypes, 'r.')})
    )
    UPDATE inventory.gpu_state s
       SET (${names(changeable)}) = ROW(${names(changeable, 'r.')}), node_id = r.node_id,
           node_seq = coalesce(r.node_seq, s.node_seq), maintenance_from = m.from_at, maintenance_until = m.until_at,
           version = s.version + 1, updated_at = inventory.moment_after(s.updated_at)
      FROM given r ${maintenanceOfNode} WHERE s.gpu_id = r.id`);
  await saveLayers(tx, gpus);
}

/** Rewrites the layers that say something new; an upsert that changes nothing touches nothing. */
async function saveLayers(tx: Transaction, gpus: readonly WrittenGpu[]): Promise<void> {
  const layers = gpus.flatMap(({ gpu }) =>
    gpu.layers.map((layer: GpuLayer) => ({ gpu_id: gpu.id, ...layer })),
  );
  if (layers.length === 0) return;
  await tx.execute(sql`/* inventory:save_gpu_layers */
    INSERT INTO inventory.gpu_layer AS l (gpu_id, layer, source, specs, capabilities)
    SELECT * FROM jsonb_to_recordset(${JSON.stringify(layers)}::jsonb)
      AS r(gpu_id uuid, layer text, source text, specs jsonb, capabilities jsonb)
     ORDER BY r.gpu_id, r.layer, r.source
    ON CONFLICT (gpu_id, layer, source) DO UPDATE
      SET specs = excluded.specs, capabilities = excluded.capabilities, at = inventory.moment_after(l.at)
      WHERE (l.specs, l.capabilities) IS DISTINCT FROM (excluded.specs, excluded.capabilities)`);
}
