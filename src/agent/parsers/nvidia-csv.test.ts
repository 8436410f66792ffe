import { describe, expect, it } from '@jest/globals';
import { parseNvidiaCsv } from './nvidia-csv.ts';

const withUnits = `uuid, name, pci.bus_id, pci.device_id, fan.speed [%], power.draw [W], memory.total [MiB], clocks.sm [MHz], ecc.mode.current
GPU-1, NVIDIA GeForce RTX 3080, 00000000:0C:00.0, 0x220610DE, 38 %, 111.50 W, 10240 MiB, 2055 MHz, [N/A]
GPU-2, NVIDIA H100 80GB HBM3, 00000000:0D:00.0, 0x233010DE, [N/A], 631.95 W, 81559 MiB, 1980 MHz, Enabled
`;

const withoutUnits = withUnits.replaceAll(/ (%|W|MiB|MHz)(?=,|\n)/g, '');

describe('--query-gpu as CSV', () => {
  it('reads the columns by their names', () => {
    const [consumer, datacentre] = parseNvidiaCsv(withUnits).gpus;
    expect(consumer).toMatchObject({
      uuid: 'GPU-1',
      index: 0,
      pciBusId: '00000000:0c:00.0',
      pciDeviceId: '10de:2206',
      specs: { memoryTotalMb: 10_240 },
      capabilities: { supportsEcc: null, supportsCuda: null },
      telemetry: { fanSpeed: 38, powerDrawW: 111.5, smClockMhz: 2055, temperatureC: null },
    });
    expect(datacentre).toMatchObject({
      index: 1,
      capabilities: { supportsEcc: true },
      telemetry: { fanSpeed: null },
    });
  });

  it('reads the same with and without units, and with Windows line ends', () => {
    expect(withoutUnits).not.toContain('MiB,');
    expect(parseNvidiaCsv(withoutUnits)).toEqual(parseNvidiaCsv(withUnits));
    expect(parseNvidiaCsv(withUnits.replaceAll('\n', '\r\n'))).toEqual(parseNvidiaCsv(withUnits));
  });

  it('leaves out a GPU that has fallen off the bus', () => {
    const csv = 'index, uuid, count\n0, GPU-1, 2\n1, [GPU is lost], [GPU is lost]\n';
    expect(parseNvidiaCsv(csv)).toMatchObject({ complete: true, gpus: [{ uuid: 'GPU-1' }] });
  });

  it.each([
    ['GPU-1, NVIDIA GeForce RTX 3080, 38\n', /without a header row/],
    ['uuid, name\nGPU-1\n', /row 1 has 1 cells, the header 2/],
    ['pid, gpu_uuid\n12, GPU-1\n', /lists processes/],
  ])('refuses %p', (csv, reason) => {
    expect(() => parseNvidiaCsv(csv)).toThrow(reason);
  });
});
