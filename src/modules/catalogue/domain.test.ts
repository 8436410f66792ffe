import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  createResolver,
  type GpuIdentity,
  normaliseName,
  normalisePciBusId,
  normalisePciDeviceId,
  normaliseUuid,
  specMismatches,
  UNCATALOGUED,
} from './domain.ts';
import type { GpuModel, GpuSpecs } from './model.ts';
import { builtinModels } from './models/index.ts';

const models = builtinModels();
const resolve = createResolver(models);

describe('a name', () => {
  it.each([
    ['NVIDIA  RTX A4500', 'rtxa4500'],
    ['RTX A4500', 'rtxa4500'],
    ['rtxa4500', 'rtxa4500'],
    ['NVIDIA GeForce RTX(TM) 4090', 'rtx4090'],
    ['NVIDIA RTX 4000 SFF Ada Generation', 'rtx4000sffada'],
    ['NVIDIA A100-PCIE-40GB', 'a100pcie40gb'],
    ['Tesla V100-SXM2-16 GiB', 'v100sxm216gb'],
    ['NVIDIA A100-SXM4-40GB MIG 1g.5gb', 'a100sxm440gb'],
    ['NVIDIA A40-48Q', 'a40'],
    ['GeForce RTX 2080 with Max-Q Design', 'rtx2080laptop'],
    ['NVIDIA GeForce RTX 3080 Laptop GPU', 'rtx3080laptop'],
    ['GA102 [GeForce RTX 3090]', 'rtx3090'],
    ['AMD Radeon RX 7900 XTX', 'rx7900xtx'],
    ['Intel(R) Arc(TM) A770 Graphics', 'a770'],
    ['NVIDIA', ''],
  ])('%s becomes "%s"', (written, key) => expect(normaliseName(written)).toBe(key));

  it('keeps its key however it is spaced and cased', () => {
    const spelling = fc.record({
      model: fc.constantFrom(...models),
      gap: fc.constantFrom(' ', '  ', '\t', ' - '),
      upper: fc.boolean(),
    });
    fc.assert(
      fc.property(spelling, ({ model, gap, upper }) => {
        const spaced = model.name.replaceAll(' ', gap);
        expect(normaliseName(upper ? spaced.toUpperCase() : spaced)).toBe(normaliseName(model.name));
      }),
    );
  });
});

describe('a PCI device id', () => {
  it.each(['10de:2684', '10DE:2684', '0x268410DE', '268410de', '2684', '0x2684', ' 2684 '])('%j', (text) =>
    expect(normalisePciDeviceId(text, 'nvidia')).toBe('10de:2684'),
  );

  it('takes a bare id for one of its vendor', () => {
    expect(normalisePciDeviceId('0x738c', 'amd')).toBe('1002:738c');
    expect(normalisePciDeviceId('738c', 'other')).toBeNull();
  });

  it.each(['', '[REDACTED]', '000000DE', '10de:0000', '0x26', '10de:26840', 'N/A'])('%j is none', (text) =>
    expect(normalisePciDeviceId(text, 'nvidia')).toBeNull(),
  );
});

describe('a slot', () => {
  it.each(['0000:03:00.0', '00000000:03:00.0', '03:00.0', ' 0000:03:00.0\n'])('%j', (text) =>
    expect(normalisePciBusId(text)).toBe('00000000:03:00.0'),
  );

  it('keeps a domain that is not zero', () => {
    expect(normalisePciBusId('FF01:A3:1F.7')).toBe('0000ff01:a3:1f.7');
  });

  it.each(['', 'N/A', '0000:03:00', '0000:03:20.0', '0000:03:00.8', '000:03:00.0', '0000:3:00.0'])(
    '%j is malformed',
    (text) => expect(normalisePciBusId(text)).toBeNull(),
  );

  it('is canonical after one step', () => {
    const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-fA-F]{${length}}$`));
    const slot = fc.tuple(fc.oneof(hex(4), hex(8)), hex(2), fc.stringMatching(/^[01][0-9A-F]$/), fc.nat(7));
    fc.assert(
      fc.property(slot, ([domain, bus, device, slotFunction]) => {
        const canonical = normalisePciBusId(`${domain}:${bus}:${device}.${slotFunction}`);
        expect(canonical).toMatch(/^[0-9a-f]{8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/);
        expect(normalisePciBusId(canonical ?? '')).toBe(canonical);
      }),
    );
  });
});

it('compares hardware uuids without spaces and case', () => {
  expect(normaliseUuid(' GPU-2F3A00FF ')).toBe('gpu-2f3a00ff');
  expect(normaliseUuid('  ')).toBeNull();
});

describe('the resolver', () => {
  it.each<Partial<GpuIdentity>>([
    { name: 'NVIDIA  RTX A4500' },
    { name: 'RTX A4500' },
    { name: 'Graphics Device', pciDeviceId: '10de:2232' },
  ])('finds one model for %j', (gpu) => expect(resolved(gpu)).toBe('nvidia-rtx-a4500-20gb'));

  it('believes the PCI id before the name', () => {
    expect(resolved({ name: 'NVIDIA GeForce RTX 4090', pciDeviceId: '0x288210DE' })).toBe(
      'nvidia-rtx-4060-8gb',
    );
  });

  it('falls back on the name where the PCI id is blanked or not in the catalogue', () => {
    expect(resolved({ name: 'NVIDIA A10G', pciDeviceId: '000000DE' })).toBe('nvidia-a10g-24gb');
    expect(resolved({ name: 'NVIDIA A10G', pciDeviceId: '10de:ffff' })).toBe('nvidia-a10g-24gb');
  });

  it('tells models of one PCI id apart by name', () => {
    const radeon = (name: string) => resolved({ vendor: 'amd', name, pciDeviceId: '1002:744c' });
    expect(radeon('AMD Radeon RX 7900 XTX')).toBe('amd-rx-7900-xtx-24gb');
    expect(radeon('Radeon RX 7900 XT')).toBe('amd-rx-7900-xt-20gb');
    expect(
      resolved({ name: 'NVIDIA RTX PRO 5000 72GB Blackwell', pciDeviceId: '2bb3', memoryTotalMb: 17_000 }),
    ).toBe('nvidia-rtx-pro-5000-72gb');
  });

  it('tells models of one name apart by memory, as observed or as the name says', () => {
    const observed = (memoryTotalMb: number) =>
      resolved({ name: 'NVIDIA GeForce RTX 4060 Ti', memoryTotalMb });
    expect(observed(8188)).toBe('nvidia-rtx-4060-ti-8gb');
    expect(observed(16_380)).toBe('nvidia-rtx-4060-ti-16gb');
    expect(resolved({ name: 'a100-80gb' })).toBe('nvidia-a100-sxm4-80gb');
  });

  it('tells models of one key apart by exact spelling', () => {
    expect(resolved({ name: 'NVIDIA T1000' })).toBe('nvidia-t1000-4gb');
    expect(resolved({ name: 'Quadro T1000' })).toBe('nvidia-quadro-t1000-laptop-4gb');
  });

  it('takes the smallest where nothing tells models apart', () => {
    expect(resolved({ name: 'NVIDIA GeForce RTX 4060 Ti' })).toBe('nvidia-rtx-4060-ti-8gb');
  });

  it('keeps to a known name though the memory contradicts it', () => {
    expect(resolved({ name: 'NVIDIA GeForce RTX 4090', memoryTotalMb: 12_288 })).toBe('nvidia-rtx-4090-24gb');
  });

  it.each<Partial<GpuIdentity>>([
    { name: '' },
    { name: 'NVIDIA' },
    { name: 'Some Other GPU' },
    { vendor: 'amd', name: 'NVIDIA GeForce RTX 4090' },
    { vendor: 'other', name: '910B1' },
  ])('leaves %j uncatalogued', (gpu) => expect(resolved(gpu)).toBe(UNCATALOGUED));

  it('never throws and answers with an id of the catalogue', () => {
    const ids = new Set([UNCATALOGUED, ...models.map((model) => model.id)]);
    const identity = fc.record({
      vendor: fc.constantFrom('nvidia' as const, 'amd' as const, 'intel' as const, 'other' as const),
      name: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...models.map((model) => model.name))),
      pciDeviceId: fc.option(
        fc.oneof(fc.string(), fc.constantFrom(...models.flatMap((model) => model.pciIds))),
      ),
      memoryTotalMb: fc.option(fc.nat()),
    });
    fc.assert(fc.property(identity, (gpu) => expect(ids).toContain(resolve(gpu))));
  });

  it('does not depend on the order of the catalogue', () => {
    const reversed = createResolver(models.toReversed());
    for (const model of models) {
      const gpu = { vendor: model.vendor, name: model.name, pciDeviceId: null, memoryTotalMb: null };
      expect(reversed(gpu)).toBe(resolve(gpu));
    }
  });
});

describe('spec mismatches', () => {
  const rtx4090 = modelOf('nvidia-rtx-4090-24gb');

  it('are none for what a driver reports of an honest GPU', () => {
    expect(mismatchesOf(rtx4090, { memoryTotalMb: 24_564 })).toEqual([]);
    expect(mismatchesOf(modelOf('nvidia-h100-sxm5-80gb'), { memoryTotalMb: 81_559 })).toEqual([]);
  });

  it.each([0.951, 1.049])('allow memory of %f times the nominal', (factor) =>
    expect(mismatchesOf(rtx4090, { memoryTotalMb: 24_576 * factor })).toEqual([]),
  );

  it.each([0.5, 0.949, 1.051, 2])('name memory of %f times the nominal', (factor) =>
    expect(mismatchesOf(rtx4090, { memoryTotalMb: 24_576 * factor })).toEqual([
      { field: 'memoryTotalMb', observed: 24_576 * factor, expected: 24_576 },
    ]),
  );

  it.each([
    ['nvidia-t4-16gb', 15_360],
    ['nvidia-t4-16gb', 16_384],
    ['nvidia-a10g-24gb', 23_028],
    ['nvidia-k80-12gb', 11_441],
  ])('allow for the ECC of %s with %d MiB', (id, memoryTotalMb) =>
    expect(mismatchesOf(modelOf(id), { memoryTotalMb })).toEqual([]),
  );

  it('name other SMs, cores and compute capability', () => {
    const claimed = { streamingMultiprocessors: 24, cudaCores: 3072, computeCapability: '8.6' };
    expect(mismatchesOf(rtx4090, claimed)).toEqual([
      { field: 'streamingMultiprocessors', observed: 24, expected: 128 },
      { field: 'cudaCores', observed: 3072, expected: 16_384 },
      { field: 'computeCapability', observed: '8.6', expected: '8.9' },
    ]);
  });

  it('of a partition are those that a part must share with the whole', () => {
    const slice = { memoryTotalMb: 9856, streamingMultiprocessors: 16, computeCapability: '8.0' };
    expect(mismatchesOf(modelOf('nvidia-h100-sxm5-80gb'), slice, 'parent')).toEqual([
      { field: 'computeCapability', observed: '8.0', expected: '9.0' },
    ]);
  });

  it('do not arise from what is unknown', () => {
    expect(mismatchesOf(rtx4090, {})).toEqual([]);
    expect(mismatchesOf(modelOf('nvidia-l2-24gb'), { streamingMultiprocessors: 1 })).toEqual([]);
  });
});

function resolved(gpu: Partial<GpuIdentity>): string {
  return resolve({ vendor: 'nvidia', name: '', pciDeviceId: null, memoryTotalMb: null, ...gpu });
}

function modelOf(id: string): GpuModel {
  const model = models.find((candidate) => candidate.id === id);
  if (!model) throw new Error(`No model ${id}`);
  return model;
}

function mismatchesOf(model: GpuModel, observed: Partial<GpuSpecs>, parentGpuId: string | null = null) {
  const nothing = Object.fromEntries(Object.keys(model.specs).map((field) => [field, null]));
  const unknown = { ...model.specs, ...nothing };
  return specMismatches({ specs: { ...unknown, ...observed }, parentGpuId }, model);
}
