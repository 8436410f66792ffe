import type { TraceNode } from './trace.ts';

/** What the trace's short names mean, with PCI ids and memory of the real hardware. G2 and G3 were not disclosed. */
const models: Readonly<Record<string, { name: string; pciDeviceId: string; memoryTotalMb: number }>> = {
  T4: { name: 'Tesla T4', pciDeviceId: '10de:1eb8', memoryTotalMb: 15_360 },
  P100: { name: 'Tesla P100-PCIE-16GB', pciDeviceId: '10de:15f8', memoryTotalMb: 16_280 },
  V100M16: { name: 'Tesla V100-SXM2-16GB', pciDeviceId: '10de:1db1', memoryTotalMb: 16_160 },
  V100M32: { name: 'Tesla V100-SXM2-32GB', pciDeviceId: '10de:1db5', memoryTotalMb: 32_510 },
  A10: { name: 'NVIDIA A10', pciDeviceId: '10de:2236', memoryTotalMb: 23_028 },
};

/** The name of a model as drivers report it; a name that nobody knows stays as it is. */
export const hardwareName = (model: string): string => models[model]?.name ?? model;

function identityOf(model: string): object {
  const known = models[model];
  if (!known) return { vendor: 'other', name: model };
  const { memoryTotalMb, ...identity } = known;
  return { vendor: 'nvidia', ...identity, specs: { memoryTotalMb } };
}

/** A machine's GPUs as the API takes them; `salt` keeps the hardware of two clusters apart. */
export const gpuInputs = ({ name, gpus, model }: TraceNode, salt = ''): object[] =>
  Array.from({ length: gpus }, (_, index) => ({
    uuid: `GPU-${salt}${name}-${index}`,
    index,
    ...identityOf(model),
  }));
