import { type AgentSnapshot, type GpuReport, gpuReport, SnapshotError, UNNAMED_NVIDIA } from '../snapshot.ts';
import * as read from '../values.ts';

/** Short names that `nvidia-smi --help-query-gpu` allows beside the long ones that we read. */
const ALIASES = new Map([
  ['gpu_name', 'name'],
  ['gpu_uuid', 'uuid'],
  ['gpu_serial', 'serial'],
  ['gpu_bus_id', 'pci.bus_id'],
  ['clocks.sm', 'clocks.current.sm'],
  ['clocks.mem', 'clocks.current.memory'],
]);

/** Columns that only the other --query-… tables have. */
const OTHER_TABLES = new Set(['pid', 'retired_pages.address']);

const IDENTITY = ['uuid', 'pci.bus_id', 'index', 'name'];

/**
 * Reads `nvidia-smi --query-gpu=<any columns> --format=csv`, with or without `nounits`. The header row is needed:
 * it alone says which column is which. A GPU that answers with an error is left out, as in the XML form.
 * @throws {SnapshotError} on a missing header, a torn row, or a table of something else than GPUs.
 */
export function parseNvidiaCsv(text: string, scope = ''): AgentSnapshot {
  const [header, ...lines] = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const columns = columnNames(header ?? '');
  const rows = lines.map((line, index) => row(columns, line, index));
  const gpus = rows
    .map((cells, position) => (read.isFaulty(cells.uuid) ? null : report(cells, position, scope)))
    .filter((gpu) => gpu !== null);
  const count = read.quantity(rows[0]?.count);
  return {
    source: 'nvidia-smi-csv',
    complete: count === null || count <= rows.length,
    system: { driverVersion: gpus[0]?.driverVersion ?? null, cudaVersion: null },
    gpus,
  };
}

/** `power.draw [W]` → `power.draw`. */
function columnNames(header: string): string[] {
  const names = header.split(',').map((name) => name.replace(/\[.*\]/, '').trim());
  if (names.some((name) => OTHER_TABLES.has(name)))
    throw new SnapshotError('This CSV lists processes or retired pages; GPUs come from --query-gpu.');
  const columns = names.map((name) => ALIASES.get(name) ?? name);
  if (!IDENTITY.some((name) => columns.includes(name)))
    throw new SnapshotError(`CSV without a header row that names one of: ${IDENTITY.join(', ')}.`);
  return columns;
}

function row(columns: string[], line: string, index: number): Record<string, string> {
  const cells = line.split(',').map((cell) => cell.trim());
  if (cells.length !== columns.length)
    throw new SnapshotError(`CSV row ${index + 1} has ${cells.length} cells, the header ${columns.length}.`);
  return Object.fromEntries(columns.map((name, position) => [name, cells[position] ?? '']));
}

function report(cells: Record<string, string>, position: number, scope: string): GpuReport {
  const text = (name: string) => read.reading(cells[name]);
  const number = (name: string) => read.quantity(cells[name]);
  const computeCapability = text('compute_cap');
  return gpuReport(
    {
      uuid: text('uuid'),
      index: number('index') ?? position,
      pciBusId: read.pciBusId(cells['pci.bus_id']),
      pciDeviceId: read.nvidiaPciDeviceId(cells['pci.device_id']),
      serial: read.serialNumber(cells.serial),
      vendor: 'nvidia',
      name: text('name') ?? UNNAMED_NVIDIA,
      driverVersion: text('driver_version'),
      vbiosVersion: text('vbios_version'),
      specs: {
        memoryTotalMb: number('memory.total'),
        computeCapability,
        powerLimitW: number('power.limit'),
        pcieGeneration: number('pcie.link.gen.max'),
        pcieWidth: number('pcie.link.width.max'),
      },
      capabilities: {
        supportsCuda: computeCapability === null ? null : true,
        supportsMig: read.hasSwitch(cells['mig.mode.current']),
        supportsEcc: read.hasSwitch(cells['ecc.mode.current']),
      },
      telemetry: {
        utilization: read.percent(cells['utilization.gpu']),
        memoryUsedMb: number('memory.used'),
        memoryUtilization: read.percent(cells['utilization.memory']),
        temperatureC: number('temperature.gpu'),
        powerDrawW: number('power.draw') ?? number('power.draw.instant'),
        fanSpeed: read.percent(cells['fan.speed']),
        smClockMhz: number('clocks.current.sm'),
        memoryClockMhz: number('clocks.current.memory'),
        eccUncorrected: number('ecc.errors.uncorrected.volatile.total'),
      },
    },
    scope,
  );
}
