import { describe, expect, it } from '@jest/globals';
import { digestOf, type Snapshot } from './digest.ts';

const snapshot: Snapshot = {
  generation: 1,
  complete: true,
  confirmEmpty: false,
  system: { os: 'Debian 12', cpuCores: 8 },
  gpus: [
    {
      uuid: 'GPU-1',
      vendor: 'nvidia',
      name: 'A',
      pciBusId: '0000:01:00.0',
      specs: { memoryTotalMb: 1, pcieWidth: 2 },
    },
    { uuid: 'GPU-2', vendor: 'nvidia', name: 'B', labels: { x: '1', y: '2' } },
  ],
};
const [first, second] = snapshot.gpus as [Snapshot['gpus'][number], Snapshot['gpus'][number]];
const digest = (more: Partial<Snapshot>) => digestOf({ ...snapshot, ...more }).toString('hex');

describe('the digest of a snapshot', () => {
  it('is the same for the same content in another order and spelling, whatever the generation', () => {
    const respelled = {
      generation: 9,
      system: { cpuCores: 8, os: 'Debian 12' },
      gpus: [
        { ...second, uuid: 'gpu-2', labels: { y: '2', x: '1' } },
        { ...first, pciBusId: '01:00.0', specs: { pcieWidth: 2, memoryTotalMb: 1, cudaCores: null } },
      ],
    };
    expect(digest(respelled)).toBe(digest({}));
  });

  it('differs with anything that is said', () => {
    const others: Partial<Snapshot>[] = [
      { complete: false },
      { confirmEmpty: true },
      { system: { os: 'Debian 13' } },
      { gpus: [first] },
      { gpus: [first, { ...second, index: 1 }] },
      { gpus: [first, { ...second, index: null }] },
      { gpus: [first, { ...second, parentUuid: 'GPU-1' }] },
      { gpus: [first, { ...second, specs: { memoryTotalMb: 2 } }] },
      { gpus: [first, { ...second, vendor: 'amd' }] },
    ];
    const digests = others.map(digest);
    expect(new Set([...digests, digest({})]).size).toBe(others.length + 1);
  });
});
