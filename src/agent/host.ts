import { statfs } from 'node:fs/promises';
import * as os from 'node:os';

/** What the node is, as the service keeps it; these change with hardware or the operating system only. */
export interface HostFacts {
  os: string;
  kernel: string;
  cpuModel: string | null;
  cpuCores: number;
  memoryTotalMb: number;
  diskTotalGb: number | null;
}

/** How the node does right now, in percent of its capacity; `loadAverage` is that of the last minute. */
export interface HostMetrics {
  cpuUtilization: number | null;
  memoryUtilization: number;
  diskUtilization: number | null;
  loadAverage: number;
  uptimeS: number;
}

export interface Host {
  facts(): Promise<HostFacts>;
  metrics(): Promise<HostMetrics>;
}

/** This machine, by the operating system. CPU use is the mean since the reading before, hence unknown at first. */
export function localHost(): Host {
  let before: CpuTimes | null = null;
  return {
    async facts() {
      const disk = await rootDisk();
      return {
        os: os.type(),
        kernel: os.release(),
        cpuModel: os.cpus()[0]?.model.trim() || null,
        cpuCores: os.cpus().length,
        memoryTotalMb: Math.round(os.totalmem() / 1_048_576),
        diskTotalGb: disk && Math.round(disk.total / 1e9),
      };
    },
    async metrics() {
      const disk = await rootDisk();
      const times = cpuTimes();
      const cpuUtilization = before && busyPercent(before, times);
      before = times;
      return {
        cpuUtilization,
        memoryUtilization: share(os.totalmem() - os.freemem(), os.totalmem()),
        diskUtilization: disk && share(disk.total - disk.free, disk.total),
        loadAverage: os.loadavg()[0] ?? 0,
        uptimeS: Math.floor(os.uptime()),
      };
    },
  };
}

interface CpuTimes {
  idle: number;
  total: number;
}

function cpuTimes(): CpuTimes {
  const all = os.cpus().map((cpu) => cpu.times);
  return {
    idle: all.reduce((sum, times) => sum + times.idle, 0),
    total: all.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0),
  };
}

/** `null` when no clock tick lies between two readings. */
export function busyPercent(before: CpuTimes, after: CpuTimes): number | null {
  const total = after.total - before.total;
  return total > 0 ? share(total - (after.idle - before.idle), total) : null;
}

/** Percent with one decimal: more digits are noise. */
const share = (part: number, whole: number): number => Math.round((part / whole) * 1000) / 10;

async function rootDisk(): Promise<{ total: number; free: number } | null> {
  try {
    const { blocks, bfree, bsize } = await statfs('/');
    return { total: blocks * bsize, free: bfree * bsize };
  } catch {
    return null;
  }
}
