import { randomUUID } from 'node:crypto';
import type { Api } from '../api.ts';
import { eachOf } from '../each-of.ts';

/** One simulated node, with what its agent would remember. */
export interface SimulatedNode {
  id: string;
  /** Of its provider: so one key serves fifty nodes. */
  api: Api;
  uuids: readonly string[];
  sequence: number;
}

export interface FleetSize {
  nodes: number;
  gpusPerNode: number;
}

const nodesPerProvider = 50;
const atOnce = 8;

interface CreatedProvider {
  id: string;
  nodes: { id: string; hostname: string }[];
}

/** Registers a fleet of its own through the API, provider by provider, each with its nodes and GPUs in one request. */
export async function registerFleet(
  operator: Api,
  { nodes, gpusPerNode }: FleetSize,
  progress: (line: string) => void,
): Promise<SimulatedNode[]> {
  const run = randomUUID().slice(0, 8);
  const fleet: SimulatedNode[] = [];
  const providers = Array.from({ length: Math.ceil(nodes / nodesPerProvider) }, (_, index) => index);
  await eachOf(providers, atOnce, async (index) => {
    const count = Math.min(nodesPerProvider, nodes - index * nodesPerProvider);
    fleet.push(...(await registerProvider(operator, `${run}-${index}`, count, gpusPerNode)));
    if (fleet.length % 2000 < count || fleet.length === nodes)
      progress(`${fleet.length} of ${nodes} nodes registered`);
  });
  return fleet;
}

async function registerProvider(
  operator: Api,
  name: string,
  nodes: number,
  gpusPerNode: number,
): Promise<SimulatedNode[]> {
  const hostnames = Array.from({ length: nodes }, (_, index) => `sim-${name}-${index}`);
  const uuidsOf = (hostname: string) =>
    Array.from({ length: gpusPerNode }, (_, index) => `GPU-${hostname}-${index}`);
  const provider = await operator.post<CreatedProvider>('/v1/providers', {
    name: `Simulation ${name}`,
    email: `simulation-${name}@example.test`,
    region: 'sim',
    kind: 'datacenter',
    nodes: hostnames.map((hostname) => ({ hostname, gpus: uuidsOf(hostname).map(gpuOf) })),
  });
  const { key } = await operator.post<{ key: string }>('/v1/api-keys', {
    name: `simulation ${name}`,
    role: 'provider',
    providerId: provider.id,
  });
  const api = operator.as(key);
  return provider.nodes.map(({ id, hostname }) => ({
    id,
    api,
    uuids: uuidsOf(hostname),
    sequence: Date.now(),
  }));
}

const gpuOf = (uuid: string, index: number) => ({
  uuid,
  index,
  vendor: 'nvidia',
  name: 'NVIDIA GeForce RTX 4090',
  pciDeviceId: '10de:2684',
  specs: { memoryTotalMb: 24_564 },
});
