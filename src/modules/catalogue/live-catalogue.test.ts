import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../kernel/db/database.ts';
import { LiveCatalogue } from './live-catalogue.ts';
import type { ModelRow } from './queries.ts';

describe('the catalogue in memory', () => {
  it('resolves to a model as soon as it is put in', () => {
    const { catalogue } = setup();
    expect(catalogue.resolve(gpu('Acme X1'))).toBe('uncatalogued');
    catalogue.put(model('other-x1-8gb', 'Acme X1'));
    expect(catalogue.resolve(gpu('acme x1'))).toBe('other-x1-8gb');
  });

  it('follows what others have stored, and loads only where something changed', async () => {
    const { catalogue, stored, loads } = setup();
    stored.push(model('other-x1-8gb', 'Acme X1'));
    await catalogue.refresh();
    stored[0] = model('other-x1-8gb', 'Acme X2', 2);
    await catalogue.refresh();
    await catalogue.refresh();
    expect(catalogue.resolve(gpu('Acme X2'))).toBe('other-x1-8gb');
    expect(catalogue.models()).toEqual(stored);
    expect(loads()).toBe(2);
  });

  it('is not set back by a read that began before the last write', async () => {
    const { catalogue, stored } = setup();
    catalogue.put(model('other-x1-8gb', 'Acme X2', 2));
    stored.push(model('other-x1-8gb', 'Acme X1', 1), model('other-x3-8gb', 'Acme X3', 4));
    await catalogue.refresh();
    expect(catalogue.model('other-x1-8gb')?.version).toBe(2);
    expect(catalogue.model('other-x3-8gb')?.version).toBe(4);
  });

  it('finds ids by id, name and alias, however spelled', () => {
    const { catalogue } = setup();
    catalogue.put(model('nvidia-x1-8gb', 'NVIDIA X1'), model('nvidia-x1-16gb', 'NVIDIA X1', 1, ['Big X1']));
    expect(catalogue.find('nvidia-x1-8gb')).toEqual(['nvidia-x1-8gb']);
    expect(catalogue.find('geforce  x1')).toEqual(['nvidia-x1-8gb', 'nvidia-x1-16gb']);
    catalogue.put(model('nvidia-x1-8gb', 'NVIDIA X1', 2, ['Small X1']));
    expect(catalogue.find('BIG-X1')).toEqual(['nvidia-x1-16gb']);
    expect(catalogue.find('small x1')).toEqual(['nvidia-x1-8gb']);
    expect(catalogue.find('uncatalogued')).toEqual(['uncatalogued']);
  });
});

const gpu = (name: string) => ({ vendor: 'other' as const, name, pciDeviceId: null, memoryTotalMb: null });

const unknown = {
  specs: {
    memoryTotalMb: null,
    cudaCores: null,
    streamingMultiprocessors: null,
    tensorCores: null,
    architecture: null,
    computeCapability: null,
    memoryBandwidthGbps: null,
    powerLimitW: null,
    pcieGeneration: null,
    pcieWidth: null,
  },
  capabilities: {
    supportsCuda: null,
    supportsRocm: null,
    supportsTensorOps: null,
    supportsFp16: null,
    supportsBf16: null,
    supportsFp8: null,
    supportsMig: null,
    supportsNvlink: null,
    supportsEcc: null,
    supportsConfidentialComputing: null,
  },
};

const model = (id: string, name: string, version = 1, aliases: string[] = []): ModelRow => ({
  ...unknown,
  id,
  vendor: id.startsWith('nvidia') ? 'nvidia' : 'other',
  name,
  aliases,
  pciIds: [],
  source: 'test',
  version,
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-01T00:00:00Z',
});

function setup() {
  const stored: ModelRow[] = [];
  let loads = 0;
  const rows = async () => {
    loads++;
    return stored;
  };
  const row = async () => ({ revision: stored.reduce((sum, { version }) => sum + version, 0) });
  const db = { row, rows } as unknown as Pick<Database, 'row' | 'rows'>;
  return { catalogue: new LiveCatalogue(db), stored, loads: () => loads };
}
