import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { describeOver, outsideData } from '../../../test/support/outside-data.ts';
import { createResolver, type GpuIdentity, specMismatches, UNCATALOGUED } from './domain.ts';
import type { GpuModel } from './model.ts';
import { builtinModels } from './models/index.ts';

const models = builtinModels();
const resolve = createResolver(models);
const tables = outsideData('gpu-models');
const captures = outsideData('nvidia-smi');

describeOver(tables)('of the GPUs in public tables, the catalogue resolves', () => {
  const read = (file: string) => readFileSync(join(tables ?? '', file), 'utf8');

  it("at least 95 % of those that NVIDIA's open driver supports, by PCI id and by name (measured: 99.8 %, 99.4 %)", () => {
    const rows = csv(read('nvidia-open-modules-supported.csv'), ',');
    expect(shareResolved(rows.map((row) => ({ pciDeviceId: row.device_id ?? '' })))).toBeGreaterThanOrEqual(
      0.95,
    );
    expect(shareResolved(rows.map((row) => ({ name: row.product_name ?? '' })))).toBeGreaterThanOrEqual(0.95);
  });

  it('at least 95 % of those that Akash lists, by PCI id and by short name (measured: 97.4 %, 100 %)', () => {
    const vendors: Record<string, AkashVendor> = JSON.parse(read('akash-gpus-2025-11-29.json'));
    const gpus = Object.values(vendors).flatMap(({ name: vendor, devices }) =>
      Object.entries(devices).map(([pciDeviceId, { name, memory_size }]) => ({
        vendor,
        pciDeviceId,
        name,
        memoryTotalMb: Number.parseInt(memory_size, 10) * 1024,
      })),
    );
    expect(shareResolved(gpus.map((gpu) => ({ ...gpu, name: '' })))).toBeGreaterThanOrEqual(0.95);
    expect(shareResolved(gpus.map((gpu) => ({ ...gpu, pciDeviceId: null })))).toBeGreaterThanOrEqual(0.95);
  });

  it('all whose data sheets gmasse/gpu-specs collects, with their compute units', () => {
    const sheets: Record<string, DataSheet> = JSON.parse(read('gmasse-specs.json'));
    const { _header, h100: pcieByAnotherName, ...unambiguous } = sheets;
    expect(resolveAll([{ name: pcieByAnotherName?.name ?? '' }])).not.toContain(UNCATALOGUED);
    for (const { name, nvidia_cuda_cores } of Object.values(unambiguous)) {
      expect({ name, cudaCores: modelOf({ name })?.specs.cudaCores }).toEqual({
        name,
        cudaCores: nvidia_cuda_cores,
      });
    }
  });

  it.each(['a100', 'h100', 'l40s', 't4'])(
    "the board of NVIDIA's mock driver profile %s, without a mismatch",
    (profile) => {
      const text = read(`nvml-profiles/${profile}.yaml`);
      const gpu = {
        name: text.match(/^ {2}name: "(.+)"/m)?.[1] ?? '',
        pciDeviceId: text.match(/device_id: (0x\w+)/)?.[1] ?? '',
        memoryTotalMb: Number(text.match(/total_bytes: (\d+)/)?.[1]) / 2 ** 20,
      };
      expect(mismatches(gpu, { cudaCores: Number(text.match(/num_gpu_cores: (\d+)/)?.[1]) })).toEqual([]);
    },
  );
});

describeOver(captures)('of real machines, the catalogue resolves and does not accuse', () => {
  const files = (folder: string) => (captures ? readdirSync(join(captures, folder)) : []);
  const read = (...path: string[]) => readFileSync(join(captures ?? '', ...path), 'utf8');

  it.each(files('xml'))('the GPUs of xml/%s', (file) => {
    const gpus = read('xml', file)
      .split(/<gpu id=/)
      .slice(1);
    expect(gpus.length).toBeGreaterThan(0);
    for (const gpu of gpus) expect(mismatches(gpuOfXml(gpu))).toEqual(contradictions[file] ?? []);
  });

  it.each(files('captures-split'))('the GPUs of %s', (folder) => {
    const gpus = csv(read('captures-split', folder, 'idle.query-gpu.csv'), ', ');
    expect(gpus.length).toBeGreaterThan(0);
    for (const gpu of gpus) {
      const memoryTotalMb = Number.parseInt(gpu['memory.total [MiB]'] ?? gpu['memory.total'] ?? '', 10);
      expect(
        mismatches({ name: gpu.name ?? '', pciDeviceId: gpu['pci.device_id'] ?? '', memoryTotalMb }),
      ).toEqual([]);
      expect(mismatches({ name: gpu.name ?? '', pciDeviceId: null, memoryTotalMb })).toEqual([]);
    }
  });
});

/** The capture whose memory cannot be right: there is no GTX 1070 Ti with 4 GB. */
const contradictions: Record<string, unknown[]> = {
  'gtx-1070-ti.xml': [{ field: 'memoryTotalMb', observed: 4096, expected: 8192 }],
};

interface AkashVendor {
  name: GpuIdentity['vendor'];
  devices: Record<string, { name: string; memory_size: string }>;
}

interface DataSheet {
  name: string;
  nvidia_cuda_cores: number;
}

function identity(gpu: Partial<GpuIdentity>): GpuIdentity {
  return { vendor: 'nvidia', name: '', pciDeviceId: null, memoryTotalMb: null, ...gpu };
}

function resolveAll(gpus: Partial<GpuIdentity>[]): string[] {
  return gpus.map((gpu) => resolve(identity(gpu)));
}

function shareResolved(gpus: Partial<GpuIdentity>[]): number {
  return resolveAll(gpus).filter((id) => id !== UNCATALOGUED).length / gpus.length;
}

function modelOf(gpu: Partial<GpuIdentity>): GpuModel | undefined {
  return models.find((model) => model.id === resolve(identity(gpu)));
}

/** Fails where the GPU is not in the catalogue at all. */
function mismatches(gpu: Partial<GpuIdentity>, observed: { cudaCores?: number } = {}) {
  const model = modelOf(gpu);
  if (!model) throw new Error(`Uncatalogued: ${JSON.stringify(gpu)}`);
  const specs = { ...model.specs, memoryTotalMb: gpu.memoryTotalMb ?? null, ...observed };
  return specMismatches({ specs, parentGpuId: null }, model);
}

function gpuOfXml(element: string): Partial<GpuIdentity> {
  const gpu = element.replace(/<mig_devices>.*<\/mig_devices>/s, '');
  const total = gpu.match(/<fb_memory_usage>\s*<total>(\d+) MiB/)?.[1];
  return {
    name: gpu.match(/<product_name>(.+)<\/product_name>/)?.[1] ?? '',
    pciDeviceId: gpu.match(/<pci_device_id>(.+)<\/pci_device_id>/)?.[1] ?? null,
    memoryTotalMb: total === undefined ? null : Number(total),
  };
}

function csv(text: string, separator: string): Record<string, string>[] {
  const [header = '', ...rows] = text.trim().split(/\r?\n/);
  const names = header.split(separator);
  return rows.map((row) => {
    const cells = row.split(separator);
    return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']));
  });
}
