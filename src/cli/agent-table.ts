import type { AgentSnapshot, GpuReport } from '../agent/index.ts';
import { shown, table } from './table.ts';

const COLUMNS: [title: string, cell: (gpu: GpuReport) => string][] = [
  ['#', (gpu) => (gpu.parentUuid ? `└ ${gpu.index ?? '?'}` : String(gpu.index ?? '?'))],
  ['NAME', (gpu) => gpu.name],
  ['UUID', (gpu) => gpu.uuid],
  ['SLOT', (gpu) => gpu.pciBusId ?? '-'],
  ['PCI ID', (gpu) => gpu.pciDeviceId ?? '-'],
  ['MEMORY MiB', (gpu) => `${shown(gpu.telemetry.memoryUsedMb)}/${shown(gpu.specs.memoryTotalMb)}`],
  ['UTIL %', (gpu) => shown(gpu.telemetry.utilization)],
  ['TEMP C', (gpu) => shown(gpu.telemetry.temperatureC)],
  ['POWER W', (gpu) => `${shown(gpu.telemetry.powerDrawW)}/${shown(gpu.specs.powerLimitW)}`],
  ['ECC', (gpu) => shown(gpu.telemetry.eccUncorrected)],
  ['XID', (gpu) => gpu.telemetry.xidErrors?.join(' ') || '-'],
  ['PROCESSES', (gpu) => String(gpu.processes.length)],
];

/** A snapshot for people: one line a GPU, `-` for what the tool did not say, partitions under their GPU. */
export function snapshotTable({ source, complete, system, gpus }: AgentSnapshot): string {
  const rows = gpus.map((gpu) => COLUMNS.map(([, cell]) => cell(gpu)));
  const titles = COLUMNS.map(([title]) => title);
  return [`${summary()}\n`, ...table(titles, rows)].join('\n');

  function summary(): string {
    const parts = [source, `driver ${system.driverVersion ?? '-'}`, `CUDA ${system.cudaVersion ?? '-'}`];
    return [...parts, `${gpus.length} GPUs`, ...(complete ? [] : ['incomplete: the tool counts more'])].join(
      ', ',
    );
  }
}
