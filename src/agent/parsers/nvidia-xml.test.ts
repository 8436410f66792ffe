import { describe, expect, it } from '@jest/globals';
import { SnapshotError } from '../snapshot.ts';
import { parseNvidiaXml } from './nvidia-xml.ts';

const log = (...gpus: string[]) => `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
  <driver_version>535.54.03</driver_version>
  <cuda_version>12.2</cuda_version>
  <attached_gpus>${gpus.length}</attached_gpus>
  ${gpus.join('\n')}
</nvidia_smi_log>`;

const gpu = (uuid: string, more = '') => `<gpu id="00000000:03:00.0">
  <product_name>NVIDIA GeForce RTX 4090</product_name>
  <uuid>${uuid}</uuid>
  <pci><pci_device_id>268410DE</pci_device_id></pci>
  <fb_memory_usage><total>24564 MiB</total><used>12 MiB</used></fb_memory_usage>
  ${more}
</gpu>`;

const only = (xml: string) => {
  const { gpus } = parseNvidiaXml(log(xml));
  expect(gpus).toHaveLength(1);
  return gpus[0];
};

describe('a GPU in XML', () => {
  it('is read without units, and knows what the tool said only', () => {
    expect(only(gpu('GPU-1'))).toMatchObject({
      uuid: 'GPU-1',
      index: 0,
      pciBusId: '00000000:03:00.0',
      pciDeviceId: '10de:2684',
      name: 'NVIDIA GeForce RTX 4090',
      driverVersion: '535.54.03',
      cudaVersion: '12.2',
      parentUuid: null,
      specs: { memoryTotalMb: 24_564, architecture: null, powerLimitW: null },
      capabilities: { supportsCuda: true, supportsMig: null, supportsEcc: null },
      telemetry: { uuid: 'GPU-1', memoryUsedMb: 12, utilization: null, xidErrors: null },
      processes: [],
    });
  });

  it('has the switches that the tool shows in either position', () => {
    const more =
      '<mig_mode><current_mig>Disabled</current_mig></mig_mode><ecc_mode><current_ecc>N/A</current_ecc></ecc_mode>';
    expect(only(gpu('GPU-1', more))?.capabilities).toMatchObject({ supportsMig: true, supportsEcc: null });
  });

  it.each([
    ['power_readings', '<power_draw>40.50 W</power_draw><power_limit>216.00 W</power_limit>'],
    [
      'gpu_power_readings',
      '<power_draw>40.50 W</power_draw><current_power_limit>216.00 W</current_power_limit>',
    ],
    [
      'gpu_power_readings',
      '<average_power_draw>40.50 W</average_power_draw><instant_power_draw>90 W</instant_power_draw><current_power_limit>216 W</current_power_limit>',
    ],
    [
      'gpu_power_readings',
      '<average_power_draw>N/A</average_power_draw><instant_power_draw>40.5 W</instant_power_draw><current_power_limit>216 W</current_power_limit>',
    ],
  ])('has its power in <%s> %s', (element, readings) => {
    const read = only(gpu('GPU-1', `<${element}>${readings}</${element}>`));
    expect([read?.telemetry.powerDrawW, read?.specs.powerLimitW]).toEqual([40.5, 216]);
  });

  it.each([
    ['<double_bit><total>7</total></double_bit>', 7],
    ['<sram_uncorrectable>1</sram_uncorrectable><dram_uncorrectable>2</dram_uncorrectable>', 3],
    [
      '<sram_uncorrectable_parity>1</sram_uncorrectable_parity><sram_uncorrectable_secded>1</sram_uncorrectable_secded><dram_uncorrectable>N/A</dram_uncorrectable>',
      2,
    ],
    ['<dram_uncorrectable>N/A</dram_uncorrectable>', null],
  ])('counts uncorrected errors of %s', (counters, count) => {
    const read = only(gpu('GPU-1', `<ecc_errors><volatile>${counters}</volatile></ecc_errors>`));
    expect(read?.telemetry.eccUncorrected).toBe(count);
  });

  it('reports the widest link, not the one that idles', () => {
    const link = (name: string, max: string, now: string) =>
      `<max_${name}>${max}</max_${name}><current_${name}>${now}</current_${name}>`;
    const read = only(
      `<gpu id="00000000:03:00.0"><uuid>GPU-1</uuid><pci><pci_gpu_link_info>
        <pcie_gen>${link('link_gen', '4', '1')}</pcie_gen><link_widths>${link('link_width', '16x', '8x')}</link_widths>
      </pci_gpu_link_info></pci></gpu>`,
    );
    expect(read?.specs).toMatchObject({ pcieGeneration: 4, pcieWidth: 16 });
  });
});

describe('MIG', () => {
  const device = (index: number, instance: number) => `<mig_device>
    <index>${index}</index><gpu_instance_id>${instance}</gpu_instance_id><compute_instance_id>0</compute_instance_id>
    <device_attributes><shared><multiprocessor_count>14</multiprocessor_count></shared></device_attributes>
    <fb_memory_usage><total>19968 MiB</total><used>12 MiB</used></fb_memory_usage>
  </mig_device>`;
  const process = (instance: string, pid: number) => `<process_info>
    <gpu_instance_id>${instance}</gpu_instance_id><compute_instance_id>${instance === 'N/A' ? 'N/A' : '0'}</compute_instance_id>
    <pid>${pid}</pid><process_name>python &amp; co</process_name><used_memory>10 MiB</used_memory>
  </process_info>`;
  const xml = gpu(
    'GPU-1',
    `<mig_devices>${device(0, 3)}${device(1, 4)}</mig_devices>
     <processes>${process('4', 7)}${process('N/A', 8)}</processes>`,
  );

  it('makes each device a GPU with a parent, without a slot or PCI id of its own', () => {
    const { gpus } = parseNvidiaXml(log(xml));
    expect(gpus.map(({ uuid, parentUuid }) => [uuid, parentUuid])).toEqual([
      ['GPU-1', null],
      ['MIG-GPU-1/3/0', 'GPU-1'],
      ['MIG-GPU-1/4/0', 'GPU-1'],
    ]);
    expect(gpus[2]).toMatchObject({
      index: 1,
      pciBusId: null,
      pciDeviceId: null,
      specs: { memoryTotalMb: 19_968, streamingMultiprocessors: 14 },
    });
  });

  it('gives each process to the device that it runs on', () => {
    const { gpus } = parseNvidiaXml(log(xml));
    expect(gpus.map(({ processes }) => processes.map(({ pid }) => pid))).toEqual([[8], [], [7]]);
    expect(gpus[2]?.processes[0]).toEqual({ pid: 7, name: 'python & co', memoryUsedMb: 10 });
  });

  it('is nothing where the tool prints None', () => {
    expect(parseNvidiaXml(log(gpu('GPU-1', '<mig_devices>None</mig_devices>'))).gpus).toHaveLength(1);
  });
});

describe('a document that lacks something', () => {
  it('leaves out a GPU that has fallen off the bus, and is complete all the same', () => {
    const snapshot = parseNvidiaXml(log(gpu('GPU-1'), gpu('GPU is lost'), gpu('Unknown Error')));
    expect(snapshot.gpus.map(({ uuid }) => uuid)).toEqual(['GPU-1']);
    expect(snapshot.complete).toBe(true);
  });

  it('is incomplete when it counts more GPUs than it lists', () => {
    const snapshot = parseNvidiaXml(log(gpu('GPU-1')).replace('<attached_gpus>1<', '<attached_gpus>4<'));
    expect(snapshot.complete).toBe(false);
  });

  it('gives a GPU without uuid a stable one, different on each node', () => {
    const xml = log(gpu('N/A'));
    const uuid = (scope: string) => parseNvidiaXml(xml, scope).gpus[0]?.uuid;
    expect(uuid('node-1')).toMatch(/^derived-[0-9a-f-]{36}$/);
    expect(uuid('node-1')).toBe(uuid('node-1'));
    expect(uuid('node-1')).not.toBe(uuid('node-2'));
  });

  it.each([
    ['a torn end', log(gpu('GPU-1')).slice(0, 400), /cut off/],
    ['another document', '<html></html>', /not from `nvidia-smi -q -x`/],
    ['an unclosed element', log('<gpu>'), /Not well-formed XML, line \d+/],
  ])('is refused with a reason: %s', (_, xml, reason) => {
    expect(() => parseNvidiaXml(xml)).toThrow(SnapshotError);
    expect(() => parseNvidiaXml(xml)).toThrow(reason);
  });
});
