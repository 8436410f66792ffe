import { type AgentSnapshot, type GpuReport, gpuReport } from '../snapshot.ts';
import * as read from '../values.ts';

/**
 * Reads the object that `rocm-smi --json` prints (ROCm 4.3 to 6.1): one member a card, with gaps in their numbers,
 * and perhaps `system`. Key names changed in case, colon and wording between releases, so each reading lists its
 * names, newest first. The tool does not say whether ROCm supports a card, so `supportsRocm` stays unknown.
 */
export function parseRocmSmi(document: Record<string, unknown>, scope = ''): AgentSnapshot {
  const driverVersion = read.reading(read.at(document.system, 'Driver version'));
  const cards = Object.entries(document)
    .map(([key, card]) => ({ number: Number(/^card(\d+)$/.exec(key)?.[1] ?? Number.NaN), card }))
    .filter(({ number }) => !Number.isNaN(number))
    .sort((one, other) => one.number - other.number);
  return {
    source: 'rocm-smi-json',
    complete: true,
    system: { driverVersion, cudaVersion: null },
    gpus: cards.map(({ number, card }) => report(number, card, driverVersion, scope)),
  };
}

function report(index: number, card: unknown, driverVersion: string | null, scope: string): GpuReport {
  const value = lookup(card);
  const pciDeviceId = amdDeviceId(value('Device ID', 'GPU ID'));
  return gpuReport(
    {
      uuid: amdUuid(value('Unique ID')),
      index,
      pciBusId: read.pciBusId(value('PCI Bus')),
      pciDeviceId,
      serial: read.serialNumber(value('Serial Number')),
      vendor: 'amd',
      name: cardName(value) ?? `AMD ${pciDeviceId ?? 'GPU'}`,
      driverVersion,
      vbiosVersion: read.reading(value('VBIOS version')),
      specs: {
        memoryTotalMb: read.bytesToMb(value('VRAM Total Memory (B)')),
        powerLimitW: read.quantity(value('Max Graphics Package Power (W)')),
      },
      telemetry: {
        utilization: read.percent(value('GPU use (%)')),
        memoryUsedMb: read.bytesToMb(value('VRAM Total Used Memory (B)')),
        memoryUtilization: read.percent(value('GPU Memory Read/Write Activity (%)', 'GPU memory use (%)')),
        temperatureC: read.quantity(
          value('Temperature (Sensor edge) (C)', 'Temperature (Sensor junction) (C)'),
        ),
        powerDrawW: read.quantity(
          value('Current Socket Graphics Package Power (W)', 'Average Graphics Package Power (W)'),
        ),
        fanSpeed: read.percent(value('Fan speed (%)')),
        smClockMhz: read.quantity(value('sclk clock speed')),
        memoryClockMhz: read.quantity(value('mclk clock speed')),
      },
    },
    scope,
  );
}

type Lookup = (...names: string[]) => unknown;

/** The first of several names that has a reading, whatever its case and a colon at its end. */
function lookup(card: unknown): Lookup {
  const normalised = (name: string) => name.replace(/:$/, '').toLowerCase();
  const entries = read.isRecord(card) ? Object.entries(card) : [];
  const byName = new Map(entries.map(([name, value]) => [normalised(name), value]));
  return (...names) =>
    names.map((name) => byName.get(normalised(name))).find((value) => read.reading(value) !== null);
}

/** ROCm 4.3 prints PCI numbers where it knows no name. */
function cardName(value: Lookup): string | null {
  const names = ['Device Name', 'Card series', 'Card model'].map((name) => read.reading(value(name)));
  return names.find((name) => name !== null && !/^0x[0-9a-f]+$/i.test(name)) ?? null;
}

function amdDeviceId(value: unknown): string | null {
  const match = /^0x([0-9a-f]{1,4})$/i.exec(read.reading(value) ?? '');
  return match ? `1002:${match[1]?.toLowerCase().padStart(4, '0')}` : null;
}

/** The 64-bit unique id as `rocminfo` and ROCR_VISIBLE_DEVICES write it: `GPU-` and 16 hexadecimal digits. */
function amdUuid(value: unknown): string | null {
  const match = /^(?:0x)?([0-9a-f]{1,16})$/i.exec(read.reading(value) ?? '');
  return match?.[1] && !/^0+$/.test(match[1]) ? `GPU-${match[1].toLowerCase().padStart(16, '0')}` : null;
}
