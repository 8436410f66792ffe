import { type GpuReport, gpuReport } from '../snapshot.ts';
import { at, listAt, quantity, reading } from '../values.ts';
import { nvidiaProcesses } from './nvidia-processes.ts';

/**
 * The MIG devices of one `<gpu>` element. They have no PCI function, hence no slot and no PCI device id of their own
 * (with the parent's they would resolve to the whole GPU's model). XML names no uuid for them: they get the form
 * `MIG-<GPU uuid>/<GPU instance>/<compute instance>` of the MIG User Guide, stable while the partition exists.
 */
export function migReports(element: unknown, parent: GpuReport, scope: string): GpuReport[] {
  return listAt(element, 'mig_devices.mig_device').map((device, position) => {
    const number = (path: string) => quantity(at(device, path));
    const instance = {
      gpuInstance: number('gpu_instance_id') ?? position,
      computeInstance: number('compute_instance_id') ?? 0,
    };
    return gpuReport(
      {
        uuid:
          reading(at(device, 'uuid')) ?? migUuid(parent.uuid, instance.gpuInstance, instance.computeInstance),
        parentUuid: parent.uuid,
        index: number('index') ?? position,
        vendor: 'nvidia',
        name: `${parent.name} MIG`,
        driverVersion: parent.driverVersion,
        cudaVersion: parent.cudaVersion,
        specs: {
          memoryTotalMb: number('fb_memory_usage.total'),
          streamingMultiprocessors: number('device_attributes.shared.multiprocessor_count'),
          architecture: parent.specs.architecture,
        },
        capabilities: { supportsCuda: parent.capabilities.supportsCuda },
        telemetry: {
          memoryUsedMb: number('fb_memory_usage.used'),
          eccUncorrected: number('ecc_error_count.volatile_count.sram_uncorrectable'),
        },
        processes: nvidiaProcesses(element, instance),
      },
      scope,
    );
  });
}

export const migUuid = (gpuUuid: string, gpuInstance: number, computeInstance: number): string =>
  `MIG-${gpuUuid}/${gpuInstance}/${computeInstance}`;
