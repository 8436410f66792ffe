import { describe, expect, it } from '@jest/globals';
import { hardwareKey, hardwareOf, statementOf } from './identity.ts';
import { byProperty } from './layers.ts';
import {
  effectiveOf,
  type GpuLayer,
  type StoredGpu,
  speak,
  stateOf,
  unknownFacts,
  withLayer,
} from './state.ts';

const agent = { layer: 'observed', source: 'agent' } as const;
const provider = { layer: 'declared', source: 'provider' } as const;
const layer = (rank: GpuLayer['layer'], source: string, specs: GpuLayer['specs']): GpuLayer => ({
  layer: rank,
  source,
  specs,
  capabilities: {},
});

const gpu: StoredGpu = {
  ...hardwareOf('nvidia', 'GPU-1'),
  ...unknownFacts,
  ...effectiveOf([]),
  id: 'id',
  providerId: 'p',
  nodeId: 'n',
  parentGpuId: null,
  name: 'NVIDIA A100',
  modelId: 'uncatalogued',
  region: 'eu',
  presence: 'present',
  layers: [],
  blocks: 0,
  version: 1,
};

describe('what counts of several layers', () => {
  it('is attested, else the newest observed, else declared, property by property', () => {
    const layers = [
      layer('attested', 'verdict', { cudaCores: 1 }),
      layer('observed', 'agent', { cudaCores: 2, memoryTotalMb: 2 }),
      layer('observed', 'verifier', { memoryTotalMb: 3, tensorCores: 3 }),
      layer('declared', 'provider', { cudaCores: 4, memoryTotalMb: 4, tensorCores: 4, pcieWidth: 4 }),
    ];
    expect(effectiveOf(layers).specs).toMatchObject({
      cudaCores: 1,
      memoryTotalMb: 2,
      tensorCores: 3,
      pcieWidth: 4,
      powerLimitW: null,
    });
  });

  it('keeps a measure as the column prints it where only its precision differs', () => {
    const layers = [layer('observed', 'agent', { powerLimitW: 0.1234567891 })];
    const before = { ...effectiveOf([]), specs: { ...effectiveOf([]).specs, powerLimitW: 0.12345679 } };
    expect(effectiveOf(layers, before).specs.powerLimitW).toBe(0.12345679);
    expect(effectiveOf(layers).specs.powerLimitW).toBe(0.1234567891);
  });
});

describe('a source that speaks', () => {
  it('replaces what it said before and moves to the front of its rank', () => {
    const layers = [
      layer('observed', 'verifier', { cudaCores: 9 }),
      layer('observed', 'agent', { cudaCores: 8, pcieWidth: 8 }),
      layer('declared', 'provider', {}),
    ];
    const spoken = withLayer(layers, agent, { specs: { cudaCores: 7, pcieWidth: null } });
    expect(spoken.map(({ source }) => source)).toEqual(['agent', 'verifier', 'provider']);
    expect(spoken[0]?.specs).toEqual({ cudaCores: 7 });
  });

  it('changes nothing when it says the same, or nothing at all', () => {
    const layers = [layer('observed', 'agent', { cudaCores: 8, pcieWidth: 8 })];
    expect(withLayer(layers, agent, { specs: { pcieWidth: 8, cudaCores: 8 } })).toBe(layers);
    expect(withLayer(layers, agent, {})).toBe(layers);
    expect(withLayer(layers, provider, { specs: { cudaCores: null } })).toBe(layers);
  });

  it('leaves absent facts alone, clears with null, and knows a name again in another case', () => {
    const told = { ...gpu, serial: 'S', index: 3, name: 'NVIDIA A100' };
    const next = speak(told, { facts: { serial: null, name: 'nvidia a100' } }, agent, () => 'model');
    expect(next).toMatchObject({ serial: null, index: 3, name: 'NVIDIA A100', modelId: 'model' });
  });

  it('has its model found by memory too, unless the GPU is a partition', () => {
    const asked: (number | null)[] = [];
    const resolve = ({ memoryTotalMb }: { memoryTotalMb: number | null }) => {
      asked.push(memoryTotalMb);
      return 'model';
    };
    for (const parentGpuId of [null, 'parent']) {
      speak({ ...gpu, parentGpuId }, { facts: {}, specs: { memoryTotalMb: 81_559 } }, agent, resolve);
    }
    expect(asked).toEqual([81_559, null]);
  });
});

describe('an input', () => {
  it('is the same statement in any spelling', () => {
    const plain = statementOf({
      uuid: 'GPU-1',
      vendor: 'nvidia',
      name: 'NVIDIA RTX A4500',
      pciBusId: '0000:03:00.0',
      pciDeviceId: '10de:2232',
      labels: { a: '1', b: '2' },
    });
    const respelled = statementOf({
      uuid: ' gpu-1 ',
      vendor: 'nvidia',
      name: ' NVIDIA  RTX A4500',
      pciBusId: '00000000:03:00.0',
      pciDeviceId: '0x223210DE',
      labels: { b: '2', a: '1' },
    });
    expect(JSON.stringify(respelled)).toBe(JSON.stringify(plain));
    expect(hardwareKey(hardwareOf('nvidia', ' gpu-A '))).toBe(hardwareKey(hardwareOf('nvidia', 'GPU-a')));
    expect(hardwareKey(hardwareOf('amd', 'x'))).not.toBe(hardwareKey(hardwareOf('nvidia', 'x')));
  });

  it('says nothing of what it leaves out', () => {
    expect(statementOf({ uuid: 'x', vendor: 'amd', name: 'a', serial: null }).facts).toEqual({
      name: 'a',
      serial: null,
    });
  });
});

describe('a version of a GPU', () => {
  it('stands for what inventory writes, and for nothing that others own', () => {
    expect(Object.keys(stateOf(gpu))).not.toContain('blocks');
    expect(Object.keys(stateOf(gpu))).toEqual(
      expect.arrayContaining(['presence', 'layers', 'labels', 'region']),
    );
  });
});

describe('layers by property', () => {
  it('agree when all who know the property say the same; memory may differ by 5 %', () => {
    const shown = byProperty([
      layer('observed', 'agent', { memoryTotalMb: 24_564, cudaCores: 8 }),
      layer('observed', 'verifier', { memoryTotalMb: 24_576, cudaCores: 1 }),
      layer('declared', 'provider', { memoryTotalMb: 23_400, pcieWidth: 16 }),
    ]);
    expect(shown.memoryTotalMb).toEqual({
      declared: 23_400,
      observed: { agent: 24_564, verifier: 24_576 },
      attested: null,
      agreement: true,
    });
    expect(shown.cudaCores?.agreement).toBe(false);
    expect(shown.pcieWidth?.agreement).toBeNull();
    expect(shown.tensorCores).toEqual({ declared: null, observed: {}, attested: null, agreement: null });
  });
});
