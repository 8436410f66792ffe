import type { Driver } from './driver.ts';
import { a100, type FakeModel, fakeModels, spoofed4090 } from './fake-models.ts';
import { migUuid } from './parsers/nvidia-mig.ts';
import { type AgentSnapshot, type GpuReport, gpuReport, hexUuid } from './snapshot.ts';
import { pciBusId } from './values.ts';

/** Every state that a GPU can be seen in; `lost` and `swapped` begin healthy and change after a few readings. */
export type FakeState = 'healthy' | 'busy' | 'hot' | 'lost' | 'swapped' | 'mig' | 'spoofed' | `xid:${number}`;

const PLAIN_STATES = ['healthy', 'busy', 'hot', 'lost', 'swapped', 'mig', 'spoofed'];

export interface FakeOptions {
  /** One state a GPU, in slot order. */
  states: FakeState[];
  seed?: string;
  /** Readings before a lost GPU disappears and a swapped one is another: 1 unless told, so at the second. */
  changeAfter?: number;
}

/** A driver without hardware: equal options, scope and count of readings always give equal snapshots. */
export function fakeDriver({ states, seed = 'fake', changeAfter = 1 }: FakeOptions): Driver {
  let readings = 0;
  return {
    async read(scope) {
      const reading = readings++;
      const changed = reading >= changeAfter;
      return {
        ...unchanging,
        gpus: states.flatMap((state, slot) =>
          state === 'lost' && changed ? [] : gpus({ seed, scope, slot, reading, state, changed }),
        ),
      };
    },
  };
}

/** @throws {RangeError} naming the word that is no state; `xid` alone means 79, "GPU has fallen off the bus". */
export function parseFakeStates(list: string): FakeState[] {
  return list.split(',').map((item): FakeState => {
    const word = item.trim().toLowerCase();
    const xid = /^xid(?::(\d+))?$/.exec(word);
    if (xid) return `xid:${Number(xid[1] ?? 79)}`;
    if (!PLAIN_STATES.includes(word))
      throw new RangeError(`"${item}" is no state: ${PLAIN_STATES.join(', ')}, xid[:code].`);
    return word as FakeState;
  });
}

const unchanging: Omit<AgentSnapshot, 'gpus'> = {
  source: 'fake',
  complete: true,
  system: { driverVersion: '580.95.05', cudaVersion: '13.0' },
};

interface Slot {
  seed: string;
  scope: string;
  slot: number;
  reading: number;
  state: FakeState;
  changed: boolean;
}

function gpus(slot: Slot): GpuReport[] {
  const gpu = whole(slot);
  return slot.state === 'mig' ? [gpu, ...partitions(gpu, slot)] : [gpu];
}

function whole(slot: Slot): GpuReport {
  const { seed, scope, slot: index, state, changed } = slot;
  const board = state === 'swapped' && changed ? 'second' : 'first';
  const identity = hexUuid(`${seed}|${scope}|${index}|${board}`);
  const model = modelOf(slot);
  return gpuReport(
    {
      ...unchanging.system,
      uuid: `GPU-${identity}`,
      index,
      pciBusId: pciBusId(`0000:${(index + 1).toString(16).padStart(2, '0')}:00.0`),
      pciDeviceId: model.pciDeviceId,
      serial: model.datacentre ? String(Number.parseInt(identity.slice(0, 8), 16)).padStart(13, '1') : null,
      vendor: model.vendor,
      name: model.name,
      vbiosVersion: '96.00.74.00.01',
      specs: { ...model.specs, pcieWidth: 16 },
      capabilities: {
        supportsCuda: true,
        supportsEcc: model.datacentre ? true : null,
        supportsMig: model.datacentre ? true : null,
      },
      telemetry: telemetry(slot, model),
      processes: state === 'busy' ? [{ pid: 1000 + index, name: 'python3', memoryUsedMb: 1024 }] : [],
    },
    scope,
  );
}

function modelOf({ seed, slot, state }: Slot): FakeModel {
  if (state === 'mig') return a100;
  if (state === 'spoofed') return spoofed4090;
  return fakeModels[Math.floor(noise(seed, 'model', slot) * fakeModels.length)] ?? a100;
}

function telemetry(slot: Slot, model: FakeModel): Partial<GpuReport['telemetry']> {
  const load = noise(slot.seed, slot.scope, slot.slot, slot.reading);
  const hot = slot.state === 'hot';
  const xid = /^xid:(\d+)$/.exec(slot.state)?.[1];
  return {
    utilization: slot.state === 'mig' ? null : Math.round(load * 100),
    memoryUsedMb: Math.round(load * (model.specs.memoryTotalMb ?? 0)),
    memoryUtilization: slot.state === 'mig' ? null : Math.round(load * 60),
    temperatureC: hot ? 96 : 35 + Math.round(load * 40),
    powerDrawW: Math.round((model.specs.powerLimitW ?? 0) * (0.1 + 0.85 * load)),
    fanSpeed: model.datacentre ? null : hot ? 100 : 30 + Math.round(load * 50),
    smClockMhz: hot ? Math.round(model.smClockMhz / 2) : model.smClockMhz,
    memoryClockMhz: model.memoryClockMhz,
    eccUncorrected: model.datacentre ? 0 : null,
    xidErrors: xid === undefined ? [] : [Number(xid)],
  };
}

function partitions(parent: GpuReport, { scope }: Slot): GpuReport[] {
  return [3, 4, 5, 6].map((instance, index) =>
    gpuReport(
      {
        ...unchanging.system,
        uuid: migUuid(parent.uuid, instance, 0),
        parentUuid: parent.uuid,
        index,
        vendor: 'nvidia',
        name: `${parent.name} MIG`,
        specs: {
          memoryTotalMb: 19_968,
          streamingMultiprocessors: 14,
          architecture: parent.specs.architecture,
        },
        capabilities: { supportsCuda: true },
        telemetry: { memoryUsedMb: 12, eccUncorrected: 0 },
      },
      scope,
    ),
  );
}

/** A number in [0, 1) that depends on its arguments alone. */
const noise = (...parts: (string | number)[]): number =>
  Number.parseInt(hexUuid(parts.join('|')).slice(0, 8), 16) / 2 ** 32;
