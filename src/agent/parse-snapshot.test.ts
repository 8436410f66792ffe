import { describe, expect, it } from '@jest/globals';
import { parseSnapshot } from './parse-snapshot.ts';

describe('parseSnapshot', () => {
  it.each([
    ['\uFEFF<?xml version="1.0" ?><nvidia_smi_log></nvidia_smi_log>\n', 'nvidia-smi-xml'],
    ['uuid, name\nGPU-1, Tesla T4\n', 'nvidia-smi-csv'],
    ['{"card1": {}}', 'rocm-smi-json'],
    ['[\n  {"DeviceName": "AMD Radeon RX 9060 XT", "DeviceID": 30096}\n]', 'amdgpu-top-json'],
  ])('tells what printed %p', (text, source) => {
    expect(parseSnapshot(text).source).toBe(source);
  });

  it('reads a device of amdgpu_top', () => {
    const device = {
      DeviceName: 'AMD Radeon RX 9060 XT',
      DeviceID: 30_096,
      PCI: '0000:03:00.0',
      'VRAM Size': 17_095_983_104,
      Sensors: { 'Edge Temperature': { unit: 'C', value: 50 } },
    };
    expect(parseSnapshot(JSON.stringify([device])).gpus[0]).toMatchObject({
      name: 'AMD Radeon RX 9060 XT',
      pciDeviceId: '1002:7590',
      specs: { memoryTotalMb: 16_304 },
      telemetry: { temperatureC: 50, powerDrawW: null },
    });
  });

  it.each([
    ['', /empty/],
    ['No devices were found', /without a header row/],
    ['{"hello": 1}', /no known GPU tool/],
    ['[{"hello": 1}]', /no known GPU tool/],
    ['{"card0": ', /Not valid JSON/],
    ['{"node": 0, "properties": {"simd_count": 0}}\n{"node": 1}', /KFD topology/],
  ])('refuses %p with a reason', (text, reason) => {
    expect(() => parseSnapshot(text)).toThrow(reason);
  });
});
