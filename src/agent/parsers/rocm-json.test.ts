import { describe, expect, it } from '@jest/globals';
import { parseRocmSmi } from './rocm-json.ts';

const system = { 'Driver version': '6.3.6' };

describe('rocm-smi', () => {
  it('reads the key names of ROCm 4.3', () => {
    const [gpu] = parseRocmSmi({
      card0: {
        'GPU ID': '0x73df',
        'Unique ID': '0x2f048617326b1ea',
        'sclk clock speed:': '(500Mhz)',
        'Average Graphics Package Power (W)': '6.0',
        'Temperature (Sensor edge) (C)': '45.0',
        'VRAM Total Memory (B)': '12868124672',
        'Card series': '0x1002',
        'PCI Bus': '0000:07:00.0',
      },
      system,
    }).gpus;
    expect(gpu).toMatchObject({
      uuid: 'GPU-02f048617326b1ea',
      vendor: 'amd',
      name: 'AMD 1002:73df',
      pciBusId: '00000000:07:00.0',
      driverVersion: '6.3.6',
      specs: { memoryTotalMb: 12_272 },
      capabilities: { supportsRocm: null },
      telemetry: { smClockMhz: 500, powerDrawW: 6, temperatureC: 45 },
    });
  });

  it('reads the key names of ROCm 6.1', () => {
    const [gpu] = parseRocmSmi({
      card0: {
        'Device Name': 'AMD Instinct MI300X',
        'Device ID': '0x74a1',
        'Card Series': 'N/A',
        'Temperature (Sensor edge) (C)': 'N/A',
        'Temperature (Sensor junction) (C)': '41.0',
        'Current Socket Graphics Package Power (W)': '131.0',
        'GPU Memory Read/Write Activity (%)': '3',
      },
    }).gpus;
    expect(gpu).toMatchObject({
      name: 'AMD Instinct MI300X',
      pciDeviceId: '1002:74a1',
      telemetry: { temperatureC: 41, powerDrawW: 131, memoryUtilization: 3 },
    });
  });

  it('keeps the numbers of cards, in their order, over gaps', () => {
    const { gpus } = parseRocmSmi({ card10: {}, system, card2: {} });
    expect(gpus.map(({ index }) => index)).toEqual([2, 10]);
  });

  it('derives a uuid from the slot where the tool knows none', () => {
    const uuid = (bus: string) =>
      parseRocmSmi({ card0: { 'Unique ID': 'N/A', 'PCI Bus': bus } }).gpus[0]?.uuid;
    expect(uuid('0000:07:00.0')).toBe(uuid('00000000:07:00.0'));
    expect(uuid('0000:07:00.0')).not.toBe(uuid('0000:08:00.0'));
  });

  it('takes a reading in words for none', () => {
    const card0 = { 'Average Graphics Package Power (W)': 'N/A (Secondary die)' };
    expect(parseRocmSmi({ card0 }).gpus[0]?.telemetry.powerDrawW).toBeNull();
  });
});
