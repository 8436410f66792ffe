import { type AgentSnapshot, type GpuReport, gpuReport } from '../snapshot.ts';
import * as read from '../values.ts';

/**
 * Reads the list that `amdgpu_top --json` prints (its README, "JSON Output"). The tool knows no hardware uuid,
 * so these GPUs get derived ones.
 */
export function parseAmdgpuTop(devices: unknown[], scope = ''): AgentSnapshot {
  return {
    source: 'amdgpu-top-json',
    complete: true,
    system: { driverVersion: null, cudaVersion: null },
    gpus: devices.map((device, index) => report(device, index, scope)),
  };
}

function report(device: unknown, index: number, scope: string): GpuReport {
  const number = (path: string) => read.quantity(read.at(device, path));
  const deviceId = number('DeviceID');
  return gpuReport(
    {
      uuid: null,
      index,
      pciBusId: read.pciBusId(read.at(device, 'PCI')),
      pciDeviceId: deviceId === null ? null : `1002:${deviceId.toString(16).padStart(4, '0')}`,
      vendor: 'amd',
      name: read.reading(read.at(device, 'DeviceName')) ?? 'AMD GPU',
      vbiosVersion: read.reading(read.at(device, 'VBIOS.ver_str')),
      specs: {
        memoryTotalMb: read.bytesToMb(read.at(device, 'VRAM Size')),
        architecture: read.reading(read.at(device, 'gfx_target_version')),
        memoryBandwidthGbps: number('Peak Memory Bandwidth.value'),
        powerLimitW: number('Power Cap.current'),
        pcieGeneration: number('PCIe Link.max_gpu_link.gen'),
        pcieWidth: number('PCIe Link.max_gpu_link.width'),
      },
      telemetry: {
        utilization: number('gpu_activity.GFX.value'),
        memoryUsedMb: read.bytesToMb(read.at(device, 'VRAM Usage Size')),
        memoryUtilization: number('gpu_activity.Memory.value'),
        temperatureC: number('Sensors.Edge Temperature.value'),
        powerDrawW: number('Sensors.Average Power.value') ?? number('Sensors.Input Power.value'),
        smClockMhz: number('Sensors.GFX_SCLK.value'),
        memoryClockMhz: number('Sensors.GFX_MCLK.value'),
      },
    },
    scope,
  );
}
