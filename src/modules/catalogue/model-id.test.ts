import { describe, expect, it } from '@jest/globals';
import { modelIdOf, modelIdPattern, newModelIdPattern, vendorOfId } from './model-id.ts';
import { builtinModels } from './models/index.ts';

const fits = (pattern: string, id: string) => new RegExp(pattern, 'u').test(id);

describe('the id of a new model', () => {
  it.each([
    ['nvidia', 'NVIDIA GeForce RTX 4090', 24_564, 'nvidia-rtx-4090-24gb'],
    ['nvidia', 'NVIDIA A100-SXM4-40GB', 40_960, 'nvidia-a100-sxm4-40gb'],
    ['nvidia', 'NVIDIA RTX 6000 Ada Generation', 49_140, 'nvidia-rtx-6000-ada-48gb'],
    ['amd', 'AMD Instinct MI300X', 196_592, 'amd-mi300x-192gb'],
    ['other', 'Moore Threads MTT S80', 16_384, 'other-moore-threads-mtt-s80-16gb'],
    ['other', 'Tiny', 300, 'other-tiny-1gb'],
  ] as const)('of %s %s with %i MiB is %s', (vendor, name, memoryTotalMb, id) => {
    expect(modelIdOf(vendor, name, memoryTotalMb)).toBe(id);
    expect(fits(newModelIdPattern, id)).toBe(true);
  });

  it('cannot be made of brand words alone', () => {
    expect(modelIdOf('nvidia', 'NVIDIA GeForce', 8192)).toBeNull();
  });

  it('has the form that every built-in model has', () => {
    for (const { id, vendor } of builtinModels()) {
      expect(fits(newModelIdPattern, id)).toBe(true);
      expect(vendorOfId(id)).toBe(vendor);
    }
  });

  it.each([
    'uncatalogued',
    'nvidia-24gb',
    'nvidia-rtx-4090',
    'Nvidia-rtx-4090-24gb',
    'nvidia--a-24gb',
    'nvidia-a-0gb',
  ])('is not %s', (id) => expect(fits(newModelIdPattern, id)).toBe(false));
});

describe('an id that is asked for', () => {
  it.each(['uncatalogued', 'nvidia-rtx-4090-24gb', 'a'])('may be %s', (id) =>
    expect(fits(modelIdPattern, id)).toBe(true),
  );

  it.each(['', 'A', 'a-', '-a', 'a--b', 'a_b', 'a.b'])('cannot be "%s"', (id) =>
    expect(fits(modelIdPattern, id)).toBe(false),
  );

  it('names the maker first; one that we do not tell apart is other', () => {
    expect(vendorOfId('amd-mi300x-192gb')).toBe('amd');
    expect(vendorOfId('moorethreads-mtt-s80-16gb')).toBe('other');
  });
});
