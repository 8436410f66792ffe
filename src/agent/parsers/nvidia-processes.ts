import type { GpuProcess } from '../snapshot.ts';
import { at, listAt, quantity, reading } from '../values.ts';

/** A MIG device is a compute instance inside a GPU instance. */
export interface MigInstance {
  gpuInstance: number;
  computeInstance: number;
}

/** The processes that run on one MIG device, or (`null`) on the GPU itself outside any MIG device. */
export function nvidiaProcesses(gpu: unknown, instance: MigInstance | null): GpuProcess[] {
  return listAt(gpu, 'processes.process_info')
    .filter(
      (process) =>
        quantity(at(process, 'gpu_instance_id')) === (instance?.gpuInstance ?? null) &&
        quantity(at(process, 'compute_instance_id')) === (instance?.computeInstance ?? null),
    )
    .flatMap((process) => {
      const pid = quantity(at(process, 'pid'));
      const name = reading(at(process, 'process_name'));
      return pid === null ? [] : [{ pid, name, memoryUsedMb: quantity(at(process, 'used_memory')) }];
    });
}
