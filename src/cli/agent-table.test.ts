import { describe, expect, it } from '@jest/globals';
import { parseSnapshot } from '../agent/index.ts';
import { snapshotTable } from './agent-table.ts';

describe('snapshotTable', () => {
  it('has one line a GPU, with a dash for the unknown', () => {
    const csv =
      'uuid, name, driver_version, memory.total [MiB], temperature.gpu\nGPU-1, Tesla T4, 535.1, 15360 MiB, 40\n';
    const [summary, blank, title, gpu] = snapshotTable(parseSnapshot(csv)).split('\n');
    expect(summary).toBe('nvidia-smi-csv, driver 535.1, CUDA -, 1 GPUs');
    expect(blank).toBe('');
    expect(title).toMatch(/^# {2}NAME {6}UUID/);
    expect(gpu).toBe('0  Tesla T4  GPU-1  -     -       -/15360     -       40      -/-      -    -    0');
  });
});
