import type { AgentOptions } from './agent-options.ts';
import type { Identity, InventoryClient } from './client.ts';
import type { GpuDirectory } from './gpu-directory.ts';
import { ServiceError } from './service-error.ts';
import type { GpuTelemetry } from './snapshot.ts';
import type { UsageSample } from './wire.ts';

/** What is kept track of over time, by the name that telemetry has for it. */
const units = {
  utilization: '%',
  memoryUsedMb: 'MiB',
  memoryUtilization: '%',
  temperatureC: '°C',
  powerDrawW: 'W',
  fanSpeed: '%',
  smClockMhz: 'MHz',
  memoryClockMhz: 'MHz',
} as const satisfies Partial<Record<keyof GpuTelemetry, string>>;

const EVERY_MS = 60_000;
/** What the service takes at once, and what is kept while it is away; the oldest are given up first. */
const LARGEST_BATCH = 10_000;
const KEPT = 50_000;

type Options = Pick<AgentOptions, 'clock' | 'report' | 'usageEveryMs'> & {
  client: Pick<InventoryClient, 'recordUsage'>;
};

interface Reading extends Omit<UsageSample, 'gpuId'> {
  uuid: string;
}

/**
 * Collects the readings of each round and publishes them together, once in a while. What the service could not take it is
 * sent again: it counts each sample once.
 */
export function usagePublisher(
  { client, clock, report, usageEveryMs = EVERY_MS }: Options,
  directory: GpuDirectory,
) {
  let kept: Reading[] = [];
  let since = Number.POSITIVE_INFINITY;

  async function send(identity: Identity, readings: readonly Reading[]): Promise<void> {
    const samples: UsageSample[] = [];
    for (const { uuid, ...reading } of readings) {
      const gpuId = await directory.idOf(identity, uuid);
      if (gpuId !== undefined) samples.push({ gpuId, ...reading });
    }
    if (samples.length === 0) return;
    const { rejected } = await client.recordUsage(identity, samples);
    report({ event: 'usage_published', samples: samples.length, rejected });
  }

  return {
    /** Keeps what a round has read. */
    note(telemetry: readonly GpuTelemetry[]): void {
      if (usageEveryMs === 0) return;
      const at = new Date(clock()).toISOString();
      since = Math.min(since, clock());
      kept.push(...telemetry.flatMap((readings) => readingsOf(readings, at)));
      kept = kept.slice(-KEPT);
    },

    /** Publishes what was kept, when it is time. A failure is told, and holds up nobody. */
    async publish(identity: Identity): Promise<void> {
      if (clock() - since < usageEveryMs) return;
      try {
        while (kept.length > 0) {
          await send(identity, kept.slice(0, LARGEST_BATCH));
          kept = kept.slice(LARGEST_BATCH);
        }
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        if (!error.retryable) kept = kept.slice(LARGEST_BATCH);
        report({ event: 'usage_refused', code: error.code, detail: error.message });
      }
      since = kept.length > 0 ? clock() : Number.POSITIVE_INFINITY;
    },
  };
}

function readingsOf(telemetry: GpuTelemetry, at: string): Reading[] {
  return Object.entries(units).flatMap(([metric, unit]) => {
    const value = telemetry[metric as keyof typeof units];
    return value === null ? [] : [{ uuid: telemetry.uuid, metric, value, unit, at }];
  });
}
