import { XMLParser, XMLValidator } from 'fast-xml-parser';
import {
  type AgentSnapshot,
  type DriverFacts,
  type GpuReport,
  gpuReport,
  SnapshotError,
  UNNAMED_NVIDIA,
} from '../snapshot.ts';
import * as read from '../values.ts';
import { migReports } from './nvidia-mig.ts';
import { nvidiaProcesses } from './nvidia-processes.ts';

const LISTS = new Set(['gpu', 'mig_device', 'process_info']);

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  isArray: (name) => LISTS.has(name),
  // Thousands of clock steps of each GPU that nobody reads.
  stopNodes: ['nvidia_smi_log.gpu.supported_clocks'],
});

/**
 * Reads `nvidia-smi -q -x` of any driver (DTD v9 to v13). MIG devices follow their GPU as GPUs of their own.
 * A GPU that answers with an error has fallen off the bus: it is left out, so that the inventory shows it missing.
 * @throws {SnapshotError} when the text is not such a document, or was cut off.
 */
export function parseNvidiaXml(text: string, scope = ''): AgentSnapshot {
  const log = nvidiaSmiLog(text);
  const system: DriverFacts = {
    driverVersion: read.reading(read.at(log, 'driver_version')),
    cudaVersion: read.reading(read.at(log, 'cuda_version')),
  };
  const elements = read.listAt(log, 'gpu');
  const attached = read.quantity(read.at(log, 'attached_gpus'));
  return {
    source: 'nvidia-smi-xml',
    complete: attached === null || attached <= elements.length,
    system,
    gpus: elements.flatMap((gpu, index) =>
      read.isFaulty(read.at(gpu, 'uuid'))
        ? []
        : withPartitions(gpu, report(gpu, index, system, scope), scope),
    ),
  };
}

function nvidiaSmiLog(text: string): Record<string, unknown> {
  if (!text.trimEnd().endsWith('</nvidia_smi_log>'))
    throw new SnapshotError(
      'XML that does not end in </nvidia_smi_log>: cut off, or not from `nvidia-smi -q -x`.',
    );
  const valid = XMLValidator.validate(text);
  if (valid !== true)
    throw new SnapshotError(`Not well-formed XML, line ${valid.err.line}: ${valid.err.msg}`);
  return read.at(parser.parse(text), 'nvidia_smi_log') as Record<string, unknown>;
}

function withPartitions(element: unknown, gpu: GpuReport, scope: string): GpuReport[] {
  return [gpu, ...migReports(element, gpu, scope)];
}

function report(gpu: unknown, index: number, system: DriverFacts, scope: string): GpuReport {
  const text = (path: string) => read.reading(read.at(gpu, path));
  return gpuReport(
    {
      ...system,
      uuid: text('uuid'),
      // nvidia-smi numbers GPUs in the order of this list; minor numbers need not follow it.
      index,
      pciBusId: read.pciBusId(read.at(gpu, 'pci.pci_bus_id') ?? read.at(gpu, '@id')),
      pciDeviceId: read.nvidiaPciDeviceId(read.at(gpu, 'pci.pci_device_id')),
      serial: read.serialNumber(read.at(gpu, 'serial')),
      vendor: 'nvidia',
      name: text('product_name') ?? UNNAMED_NVIDIA,
      vbiosVersion: text('vbios_version'),
      specs: specs(gpu),
      capabilities: {
        supportsCuda: system.cudaVersion === null ? null : true,
        supportsMig: read.hasSwitch(read.at(gpu, 'mig_mode.current_mig')),
        supportsEcc: read.hasSwitch(read.at(gpu, 'ecc_mode.current_ecc')),
      },
      telemetry: telemetry(gpu),
      processes: nvidiaProcesses(gpu, null),
    },
    scope,
  );
}

/** Link figures are the maximum: the current ones drop while a GPU is idle and would look like new hardware. */
function specs(gpu: unknown) {
  const link = read.at(gpu, 'pci.pci_gpu_link_info');
  const power = powerReadings(gpu);
  return {
    memoryTotalMb: read.quantity(read.at(gpu, 'fb_memory_usage.total')),
    architecture: read.reading(read.at(gpu, 'product_architecture')),
    powerLimitW:
      read.quantity(read.at(power, 'power_limit')) ?? read.quantity(read.at(power, 'current_power_limit')),
    pcieGeneration: read.quantity(read.at(link, 'pcie_gen.max_link_gen')),
    pcieWidth: read.quantity(read.at(link, 'link_widths.max_link_width')),
  };
}

function telemetry(gpu: unknown) {
  const number = (path: string) => read.quantity(read.at(gpu, path));
  return {
    utilization: read.percent(read.at(gpu, 'utilization.gpu_util')),
    memoryUsedMb: number('fb_memory_usage.used'),
    memoryUtilization: read.percent(read.at(gpu, 'utilization.memory_util')),
    temperatureC: number('temperature.gpu_temp'),
    powerDrawW: powerDraw(gpu),
    fanSpeed: read.percent(read.at(gpu, 'fan_speed')),
    smClockMhz: number('clocks.sm_clock'),
    memoryClockMhz: number('clocks.mem_clock'),
    eccUncorrected: eccUncorrected(gpu),
  };
}

/** `power_readings` until driver 530, `gpu_power_readings` since. */
const powerReadings = (gpu: unknown): unknown =>
  read.at(gpu, 'gpu_power_readings') ?? read.at(gpu, 'power_readings');

/** One figure until driver 550; then an average where the GPU keeps one (as `power.draw` does), else the instant. */
function powerDraw(gpu: unknown): number | null {
  const names = ['power_draw', 'average_power_draw', 'instant_power_draw'];
  const power = powerReadings(gpu);
  return names.map((name) => read.quantity(read.at(power, name))).find((watts) => watts !== null) ?? null;
}

/** Volatile, uncorrected: one total on old GPUs, SRAM (whole, or parity and SEC-DED) and DRAM apart since Ampere. */
function eccUncorrected(gpu: unknown): number | null {
  const number = (name: string) => read.quantity(read.at(gpu, `ecc_errors.volatile.${name}`));
  const sram = ['sram_uncorrectable', 'sram_uncorrectable_parity', 'sram_uncorrectable_secded'];
  return number('double_bit.total') ?? read.sumKnown([...sram, 'dram_uncorrectable'].map(number));
}
