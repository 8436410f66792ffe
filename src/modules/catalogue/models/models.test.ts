import { describe, expect, it } from '@jest/globals';
import { createResolver } from '../domain.ts';
import { families } from './families.ts';
import { builtinModels } from './index.ts';
import { readTable } from './table.ts';

const models = builtinModels();
const header = 'id | name | family | SM | GB/s | W | PCIe | PCI ids | features | also called';
const figures = '128 | 1008 | 450 | 4x16 | 2684 | ecc, nvlink | Big One';
const row = `nvidia-big-24gb | NVIDIA Big | ada | ${figures}`;

describe('the built-in models', () => {
  it('have ids of one form, each used once, that begin with the vendor and end in the memory', () => {
    expect(new Set(models.map((model) => model.id)).size).toBe(models.length);
    for (const { id, vendor, specs } of models) {
      expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(id.startsWith(`${vendor}-`)).toBe(true);
      expect(id.endsWith(`-${Number(specs.memoryTotalMb) / 1024}gb`)).toBe(true);
    }
  });

  it('have PCI ids of one form, none twice', () => {
    for (const { pciIds } of models) {
      expect(new Set(pciIds).size).toBe(pciIds.length);
      for (const pciId of pciIds) expect(pciId).toMatch(/^(10de|1002|8086):(?!0000)[0-9a-f]{4}$/);
    }
  });

  it('are each found by any name of theirs and their memory, so that memory settles every shared name', () => {
    const resolve = createResolver(models);
    for (const { id, vendor, name, aliases, specs } of models) {
      const ids = [name, ...aliases].map((written) =>
        resolve({ vendor, name: written, pciDeviceId: null, ...specs }),
      );
      expect(new Set(ids)).toEqual(new Set([id]));
    }
  });

  it('are each found by any PCI id of theirs, their name and memory', () => {
    const resolve = createResolver(models);
    for (const { id, vendor, name, pciIds, specs } of models) {
      for (const pciDeviceId of pciIds) expect(resolve({ vendor, name, pciDeviceId, ...specs })).toBe(id);
    }
  });

  it('share a name only where the memory differs by a quarter or more', () => {
    for (const model of models) {
      const namesakes = models.filter((other) => other.vendor === model.vendor && other.name === model.name);
      const sizes = namesakes.map((other) => Number(other.specs.memoryTotalMb)).toSorted((a, b) => a - b);
      for (const [index, size] of sizes.slice(1).entries())
        expect(size).toBeGreaterThanOrEqual(1.2 * Number(sizes[index]));
    }
  });

  it('use every family of chips', () => {
    const used = new Set(
      models.map((model) => `${model.specs.architecture} ${model.specs.computeCapability}`),
    );
    for (const family of Object.values(families)) {
      expect(used).toContain(`${family.architecture} ${family.computeCapability}`);
    }
  });
});

describe('a table', () => {
  it('gives a model with what its family adds', () => {
    const [model] = readTable(`${header}\n${row}`);
    expect(model).toMatchObject({
      id: 'nvidia-big-24gb',
      vendor: 'nvidia',
      aliases: ['Big One'],
      pciIds: ['10de:2684'],
      specs: {
        memoryTotalMb: 24_576,
        cudaCores: 16_384,
        tensorCores: 512,
        computeCapability: '8.9',
        pcieWidth: 16,
      },
      capabilities: { supportsCuda: true, supportsFp8: true, supportsEcc: true, supportsMig: false },
      source: 'built-in',
    });
  });

  it('reads a dash as unknown', () => {
    const [model] = readTable(
      `${header}\nnvidia-big-24gb | NVIDIA Big | ada | - | - | - | - | 2684 | ecc? |`,
    );
    expect(model?.specs).toMatchObject({
      cudaCores: null,
      tensorCores: null,
      powerLimitW: null,
      pcieGeneration: null,
    });
    expect(model?.capabilities.supportsEcc).toBeNull();
  });

  it.each([
    ['without memory in the id', row.replace('-24gb', '')],
    ['of another family', row.replace('ada', 'adda')],
    ['with another feature', row.replace('ecc', 'wings')],
    ['with a figure of 0', row.replace('450', '0')],
    ['with a column too few', row.replace('| ecc, nvlink ', '')],
  ])('is refused %s', (_case, bad) => expect(() => readTable(`${header}\n${bad}`)).toThrow());
});
