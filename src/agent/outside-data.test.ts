import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { describeOver, outsideData } from '../../test/support/outside-data.ts';
import { parseSnapshot } from './parse-snapshot.ts';
import type { GpuReport } from './snapshot.ts';

const nvidia = outsideData('nvidia-smi');
const amd = outsideData('rocm-smi');

const read = (...path: string[]) => readFileSync(join(...path), 'utf8');
const snapshot = (...path: string[]) => parseSnapshot(read(...path));
const files = (directory: string | null, ...path: string[]) =>
  directory === null ? [] : readdirSync(join(directory, ...path)).sort();
const MIB = 1_048_576;

describeOver(nvidia)('nvidia-smi -q -x of real machines', () => {
  const directory = join(nvidia ?? '', 'xml');

  it.each(files(nvidia, 'xml'))('%s: every listed GPU has what XML always prints', (file) => {
    const { source, gpus } = snapshot(directory, file);
    const listed = read(directory, file).match(/<gpu id=|<mig_device>/g);
    expect(source).toBe('nvidia-smi-xml');
    expect(gpus).toHaveLength(listed?.length ?? 0);
    for (const gpu of gpus) {
      expect(gpu.uuid).toMatch(/^(GPU|MIG)-/);
      expect(gpu.specs.memoryTotalMb).toBeGreaterThan(1900);
      expect(JSON.stringify(gpu)).not.toMatch(/N\/A|Unknown Error|deprecated|REDACTED|""/);
    }
    expect(new Set(gpus.map(({ uuid }) => uuid)).size).toBe(gpus.length);
  });

  it('knows the device ids in full, and none where they are redacted or malformed', () => {
    const ids = files(nvidia, 'xml').map((file) => [file, snapshot(directory, file).gpus[0]?.pciDeviceId]);
    expect(Object.fromEntries(ids)).toMatchObject({
      'a100-sxm4-v12.xml': '10de:20b2',
      'gtx-1660-ti.xml': '10de:2184',
      'rtx-3080-v12.xml': '10de:2216',
      'rtx-3090-v12.xml': null,
      'a10g.xml': null,
    });
  });

  it('keeps bus order where minor numbers differ, and domains other than zero', () => {
    const { gpus } = snapshot(directory, 'openpai-k80x4-out-of-order.xml');
    expect(gpus.map(({ index, pciBusId }) => [index, pciBusId])).toEqual([
      [0, '00001580:00:00.0'],
      [1, '00002df7:00:00.0'],
      [2, '00004968:00:00.0'],
      [3, '0000f8d6:00:00.0'],
    ]);
  });

  it('reads one RTX 3080 with the power elements of its driver and its five processes', () => {
    const { gpus } = snapshot(directory, 'rtx-3080-v12.xml');
    expect(gpus).toHaveLength(1);
    expect(gpus[0]).toMatchObject({ specs: { powerLimitW: 336 }, telemetry: { powerDrawW: 22.78 } });
    expect(gpus[0]?.processes).toHaveLength(5);
  });

  it('says that trimmed documents are incomplete', () => {
    const incomplete = files(nvidia, 'xml').filter((file) => !snapshot(directory, file).complete);
    expect(incomplete).toEqual(['a100-sxm4-v12.xml', 'openpai-gtx1070x2.xml']);
  });
});

describeOver(nvidia)('nvidia-smi --query-gpu of real machines', () => {
  const states = files(nvidia, 'captures-split').flatMap((machine) => [
    [machine, 'idle'],
    [machine, 'load'],
  ]) as [string, string][];

  it.each(states)('%s, %s: agrees with what the exporter reads', (machine, state) => {
    const { gpus } = snapshot(nvidia ?? '', 'captures-split', machine, `${state}.query-gpu.csv`);
    const expected = metrics(read(nvidia ?? '', 'exporter-expected', `${machine}__${state}.metrics`));
    expect(gpus).toHaveLength(1);
    for (const [name, value] of Object.entries(exported(gpus[0] as GpuReport)))
      expect([name, value ?? undefined]).toEqual([name, expected.get(name)]);
  });

  it('agrees with the authors of a three-GPU table', () => {
    const { gpus } = snapshot(nvidia ?? '', 'csv', 'a0s-3gpu-mining.csv');
    const expected: unknown = JSON.parse(read(nvidia ?? '', 'csv', 'a0s-3gpu-mining.parsed.json'));
    const ours = gpus.map(({ uuid, specs, telemetry }) => [
      uuid.replace('GPU-', ''),
      {
        fan_speed: (telemetry.fanSpeed ?? 0) / 100,
        temperature_gpu_celsius: telemetry.temperatureC,
        power_draw_watts: telemetry.powerDrawW,
        power_limit_watts: specs.powerLimitW,
        utilization_gpu: (telemetry.utilization ?? 0) / 100,
        utilization_memory: (telemetry.memoryUtilization ?? 0) / 100,
        memory_used_bytes: (telemetry.memoryUsedMb ?? 0) * MIB,
        memory_total_bytes: (specs.memoryTotalMb ?? 0) * MIB,
        clocks_current_sm_hz: (telemetry.smClockMhz ?? 0) * 1e6,
        clocks_current_memory_hz: (telemetry.memoryClockMhz ?? 0) * 1e6,
      },
    ]);
    expect(expected).toMatchObject(Object.fromEntries(ours));
    expect(ours).toHaveLength(3);
  });

  it('reads a table of few columns', () => {
    const { gpus } = snapshot(nvidia ?? '', 'csv', 'exporter-query.csv');
    expect(gpus.map(({ name, specs }) => [name, specs.computeCapability])).toEqual([
      ['NVIDIA GeForce RTX 2080 SUPER', '7.5'],
      ['Some Other GPU', '8.6'],
    ]);
  });

  it.each(['query-compute-apps', 'query-accounted-apps', 'query-retired-pages'])(
    'refuses the %s table',
    (table) => {
      const [machine] = files(nvidia, 'captures-split');
      const path = join(nvidia ?? '', 'captures-split', machine ?? '', `idle.${table}.csv`);
      expect(existsSync(path)).toBe(true);
      expect(() => snapshot(path)).toThrow(/lists processes or retired pages/);
    },
  );
});

describeOver(amd)('rocm-smi of real machines', () => {
  it.each([
    ['mi100_rocm602.json', 4, '1002:738c', 32_752],
    ['openpai-vega20.json', 2, '1002:66af', 16_368],
    ['rx6700xt_rocm430.json', 1, '1002:73df', 12_272],
    ['rx6700xt_rocm602.json', 1, '1002:73df', 12_272],
    ['vega-20-WKS-GL-XE.json', 1, '1002:66a1', 32_752],
    ['amdgpu_top-dump-rx9060xt.json', 2, '1002:7590', 16_304],
  ])('%s', (file, count, pciDeviceId, memoryTotalMb) => {
    const { gpus } = snapshot(amd ?? '', file);
    expect(gpus).toHaveLength(count);
    expect(gpus[0]).toMatchObject({ vendor: 'amd', pciDeviceId, specs: { memoryTotalMb } });
    expect(gpus[0]?.telemetry.temperatureC).toBeGreaterThan(20);
    expect(new Set(gpus.map(({ uuid }) => uuid)).size).toBe(count);
  });

  it('gives one GPU without unique id one derived uuid, whatever ROCm release looks at it', () => {
    const [before, after] = ['rx6700xt_rocm430.json', 'rx6700xt_rocm602.json'].map((file) =>
      snapshot(amd ?? '', file),
    );
    expect(before?.gpus[0]?.uuid).toBe(after?.gpus[0]?.uuid);
  });

  it.each(['kfd-topology-mi210-xgmi-pcie.jsonl', 'kfd-topology-mi300x-cpx.jsonl'])('refuses %s', (file) => {
    expect(() => snapshot(amd ?? '', file)).toThrow(/KFD topology/);
  });
});

/** Name and value of each Prometheus sample. */
function metrics(text: string): Map<string, number> {
  const samples = text.matchAll(/^nvidia_smi_(\w+)\{[^}]*\} (\S+)$/gm);
  return new Map([...samples].map(([, name = '', value]) => [name, Number(value)]));
}

/** Our readings under the exporter's names, in its base units. */
function exported({ specs, telemetry }: GpuReport): Record<string, number | null> {
  const scaled = (value: number | null, factor: number) => (value === null ? null : value * factor);
  const ratio = (value: number | null) => (value === null ? null : value / 100);
  return {
    memory_total_bytes: scaled(specs.memoryTotalMb, MIB),
    memory_used_bytes: scaled(telemetry.memoryUsedMb, MIB),
    power_draw_watts: telemetry.powerDrawW,
    power_limit_watts: specs.powerLimitW,
    temperature_gpu: telemetry.temperatureC,
    fan_speed_ratio: ratio(telemetry.fanSpeed),
    utilization_gpu_ratio: ratio(telemetry.utilization),
    utilization_memory_ratio: ratio(telemetry.memoryUtilization),
    clocks_current_sm_clock_hz: scaled(telemetry.smClockMhz, 1e6),
    clocks_current_memory_clock_hz: scaled(telemetry.memoryClockMhz, 1e6),
    ecc_errors_uncorrected_volatile_total: telemetry.eccUncorrected,
    pcie_link_gen_max: specs.pcieGeneration,
    pcie_link_width_max: specs.pcieWidth,
    compute_cap: scaled(specs.computeCapability === null ? null : Number(specs.computeCapability), 1),
  };
}
