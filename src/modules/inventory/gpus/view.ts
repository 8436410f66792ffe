import sql, { join, raw, type Sql } from 'sql-template-tag';
import type { Static } from 'typebox';
import type { Principal } from '../../../kernel/context.ts';
import type { Queryable } from '../../../kernel/db/transaction.ts';
import { gates, reasonsOf } from '../../../kernel/gates.ts';
import type { GpuCapabilities, GpuSpecs } from '../../catalogue/index.ts';
import { capabilityNames, columnOf, specNames } from './properties.ts';
import { gatesAt, levelAt, type SchedulingPolicy } from './schedulability.ts';
import type { Gpu, GpuInput as Input } from './schemas.ts';

export type GpuView = Static<typeof Gpu>;
export type GpuInput = Static<typeof Input>;

type Derived =
  | 'specs'
  | 'capabilities'
  | 'verification'
  | 'isAllocated'
  | 'maintenance'
  | 'schedulable'
  | 'unschedulableReasons';

/** A GPU as SQL gives it: properties side by side, gates of the moment as their mask. */
export interface GpuRow extends Omit<GpuView, Derived | 'telemetry' | 'layers'>, GpuSpecs, GpuCapabilities {
  gates: number;
  maintenanceFrom: Date | null;
  maintenanceUntil: Date | null;
  level: number;
  levelExpiresAt: Date | null;
  telemetryAt: Date | null;
  utilization: number | null;
  memoryUsedMb: number | null;
  memoryFreeMb: number | null;
  memoryUtilization: number | null;
  temperatureC: number | null;
  powerDrawW: number | null;
  fanSpeed: number | null;
  smClockMhz: number | null;
  memoryClockMhz: number | null;
  eccUncorrected: number | null;
  xidErrors: number[] | null;
}

const bit = (gate: keyof typeof gates): Sql => raw(String(gates[gate]));

/**
 * `cleaning` after a release; a hold past its deadline is over, whether somebody swept it or not. What is used in part is
 * held or allocated. A partition shows the use of its physical GPU as such, and that one the use of its partitions.
 */
export const allocationStateAt = (moment: Sql): Sql => sql`CASE WHEN s.active_units > 0 THEN 'allocated'
  WHEN s.blocks & ${bit('gpu_cleaning')} <> 0 THEN 'cleaning'
  WHEN s.used_units > 0 AND s.held_until > ${moment} THEN 'held'
  WHEN s.root_gpu_id <> s.gpu_id THEN inventory.state_through_root(s.root_gpu_id, ${moment}) ELSE 'free' END`;

/** Whether an allocation has it, be it held or active. */
export const isAllocatedAt = (moment: Sql): Sql => sql`${allocationStateAt(moment)} IN ('held', 'allocated')`;

/** What the latest reading leaves of the memory, in MiB. */
export const memoryFreeMb = sql`(s.memory_total_mb - t.memory_used_mb)`;

const properties = join([...specNames, ...capabilityNames].map((name) => raw(`s.${columnOf(name)}`)));

/** Columns of a GPU as the API shows it at a moment, over `gpuTables`. */
export const gpuColumns = (moment: Sql, policy: SchedulingPolicy): Sql => sql`
  g.id, s.node_id, s.provider_id, g.uuid, s.slot_index AS index, g.pci_bus_id, g.serial, s.vendor, g.name,
  g.pci_device_id, s.model_id, g.parent_gpu_id, ${properties}, s.driver_version, s.cuda_version, g.vbios_version,
  s.region, s.lifecycle, s.presence, s.health, ${gatesAt(moment, policy)} AS gates, ${levelAt(moment)} AS level,
  CASE WHEN s.maintenance_until > ${moment} THEN s.maintenance_from END AS maintenance_from,
  CASE WHEN s.maintenance_until > ${moment} THEN s.maintenance_until END AS maintenance_until,
  CASE WHEN s.level4_until > ${moment} THEN s.level4_until WHEN s.level3_until > ${moment} THEN s.level3_until
       WHEN s.level2_until > ${moment} THEN s.level2_until WHEN s.level1_until > ${moment} THEN s.level1_until
  END AS level_expires_at, ${allocationStateAt(moment)} AS allocation_state,
  s.price_per_hour_nano_usd::text AS price_per_hour_nano_usd, t.at AS telemetry_at, t.utilization, t.memory_used_mb,
  ${memoryFreeMb} AS memory_free_mb, t.memory_utilization, t.temperature_c, t.power_draw_w, t.fan_speed,
  t.sm_clock_mhz, t.memory_clock_mhz, t.ecc_uncorrected, t.xid_errors, g.labels, s.version, g.created_at, s.updated_at`;

export const gpuTables = sql`inventory.gpu_state s JOIN inventory.gpu g ON g.id = s.gpu_id
  LEFT JOIN inventory.gpu_telemetry t ON t.gpu_id = s.gpu_id`;

/** The wire shape, the same wherever a GPU is shown. Spelled out: copying by lists of names took 45 µs for each GPU. */
export const toGpu = (row: GpuRow): GpuView => ({
  id: row.id,
  nodeId: row.nodeId,
  providerId: row.providerId,
  uuid: row.uuid,
  index: row.index,
  pciBusId: row.pciBusId,
  serial: row.serial,
  vendor: row.vendor,
  name: row.name,
  pciDeviceId: row.pciDeviceId,
  modelId: row.modelId,
  parentGpuId: row.parentGpuId,
  specs: specsOf(row),
  capabilities: capabilitiesOf(row),
  driverVersion: row.driverVersion,
  cudaVersion: row.cudaVersion,
  vbiosVersion: row.vbiosVersion,
  region: row.region,
  lifecycle: row.lifecycle,
  presence: row.presence,
  health: row.health,
  verification: { level: row.level, expiresAt: row.levelExpiresAt },
  allocationState: row.allocationState,
  isAllocated: row.allocationState === 'allocated' || row.allocationState === 'held',
  maintenance: maintenanceOf(row),
  schedulable: row.gates === 0,
  unschedulableReasons: reasonsOf(row.gates),
  pricePerHourNanoUsd: row.pricePerHourNanoUsd,
  telemetry: telemetryOf(row),
  labels: row.labels,
  version: row.version,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
});

const specsOf = (row: GpuRow): GpuSpecs => ({
  memoryTotalMb: row.memoryTotalMb,
  cudaCores: row.cudaCores,
  streamingMultiprocessors: row.streamingMultiprocessors,
  tensorCores: row.tensorCores,
  architecture: row.architecture,
  computeCapability: row.computeCapability,
  memoryBandwidthGbps: row.memoryBandwidthGbps,
  powerLimitW: row.powerLimitW,
  pcieGeneration: row.pcieGeneration,
  pcieWidth: row.pcieWidth,
});

const capabilitiesOf = (row: GpuRow): GpuCapabilities => ({
  supportsCuda: row.supportsCuda,
  supportsRocm: row.supportsRocm,
  supportsTensorOps: row.supportsTensorOps,
  supportsFp16: row.supportsFp16,
  supportsBf16: row.supportsBf16,
  supportsFp8: row.supportsFp8,
  supportsMig: row.supportsMig,
  supportsNvlink: row.supportsNvlink,
  supportsEcc: row.supportsEcc,
  supportsConfidentialComputing: row.supportsConfidentialComputing,
});

const maintenanceOf = ({ maintenanceFrom, maintenanceUntil }: GpuRow): GpuView['maintenance'] =>
  maintenanceFrom && maintenanceUntil && { startsAt: maintenanceFrom, endsAt: maintenanceUntil };

const telemetryOf = (row: GpuRow): GpuView['telemetry'] =>
  row.telemetryAt && {
    at: row.telemetryAt,
    utilization: row.utilization,
    memoryUsedMb: row.memoryUsedMb,
    memoryFreeMb: row.memoryFreeMb,
    memoryUtilization: row.memoryUtilization,
    temperatureC: row.temperatureC,
    powerDrawW: row.powerDrawW,
    fanSpeed: row.fanSpeed,
    smClockMhz: row.smClockMhz,
    memoryClockMhz: row.memoryClockMhz,
    eccUncorrected: row.eccUncorrected,
    xidErrors: row.xidErrors ?? [],
  };

/** An agent sees its own node's GPUs, a provider its own, everybody else all of them; over `gpu_state s`. */
export function visibleGpus({ role, providerId, nodeId }: Principal): Sql {
  if (role === 'agent') return sql`s.deleted_at IS NULL AND s.node_id = ${nodeId}::uuid`;
  if (role === 'provider') return sql`s.deleted_at IS NULL AND s.provider_id = ${providerId}::uuid`;
  return sql`s.deleted_at IS NULL`;
}

/** Those of the GPUs that are visible, in the order of the ids. */
export async function readGpus(
  db: Queryable,
  ids: readonly string[],
  policy: SchedulingPolicy,
  visible: Sql = sql`TRUE`,
): Promise<GpuView[]> {
  if (ids.length === 0) return [];
  const rows = await db.rows<GpuRow>(sql`/* inventory:read_gpus */
    SELECT ${gpuColumns(sql`statement_timestamp()`, policy)}
      FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS asked(id, place)
      JOIN inventory.gpu_state s ON s.gpu_id = asked.id
      JOIN inventory.gpu g ON g.id = s.gpu_id
      LEFT JOIN inventory.gpu_telemetry t ON t.gpu_id = s.gpu_id
     WHERE ${visible}
     ORDER BY asked.place`);
  return rows.map(toGpu);
}
