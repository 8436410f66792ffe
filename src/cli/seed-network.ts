import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Api } from './api.ts';
import { Failure } from './failure.ts';
import { type SeedNode, type SeedProvider, seedModels } from './seed-fleet.ts';

/** A node as the API made it, and what it is meant to show. */
export interface SeededNode {
  id: string;
  hostname: string;
  state: NonNullable<SeedNode['state']>;
  gpus: SeededGpu[];
}

export interface SeededGpu {
  id: string;
  uuid: string;
  memoryTotalMb: number;
  powerLimitW: number;
}

interface Registered {
  nodes: { id: string; gpus: { id: string; uuid: string }[] }[];
}

/** Equal salts give equal hardware uuids; each run on a filled database takes another. */
const uuidOf = (...parts: (string | number)[]): string => {
  const hex = createHash('sha256').update(parts.join('|')).digest('hex');
  return `GPU-${hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')}`;
};

const nanoUsd = (usd: number): string => String(Math.round(usd * 1e9));

/** What the provider declares; what the agent sees is the same but for the price. */
const inputsOf = ({ hostname, gpus }: SeedNode, salt: string) =>
  gpus.map((name, index) => {
    const { usdPerHour, memoryTotalMb, powerLimitW, ...model } = seedModels[name];
    return {
      ...model,
      uuid: uuidOf(salt, hostname, index),
      index,
      pciBusId: `00000000:${(index + 1).toString(16).padStart(2, '0')}:00.0`,
      specs: { memoryTotalMb, powerLimitW },
      ...(model.vendor === 'nvidia' && { driverVersion: '580.95.05', cudaVersion: '13.0' }),
      pricePerHourNanoUsd: nanoUsd(usdPerHour),
    };
  });

/** Registers a provider with everything it has, then lets each node's agent report the same. */
export async function seedProvider(api: Api, provider: SeedProvider, salt: string): Promise<SeededNode[]> {
  const { mailbox, nodes, ...input } = provider;
  const registered = await api.post<Registered>('/v1/providers', {
    ...input,
    email: salt === '' ? mailbox : mailbox.replace('@', `+${salt}@`),
    nodes: nodes.map(({ gpus: _, state: __, ...node }, index) => ({
      ...node,
      gpus: inputsOf(nodes[index] as SeedNode, salt),
    })),
  });
  const seeded = registered.nodes.map(({ id, gpus }, index) =>
    seededNode(id, gpus, nodes[index] as SeedNode),
  );
  for (const [index, node] of seeded.entries()) {
    if (node.state !== 'new') await report(api, node.id, inputsOf(nodes[index] as SeedNode, salt), 1);
  }
  return seeded;
}

function seededNode(id: string, gpus: { id: string; uuid: string }[], node: SeedNode): SeededNode {
  return {
    id,
    hostname: node.hostname,
    state: node.state ?? 'healthy',
    gpus: gpus.map((gpu, index) => {
      const { memoryTotalMb, powerLimitW } = seedModels[node.gpus[index] ?? 'prototype'];
      return { ...gpu, memoryTotalMb, powerLimitW };
    }),
  };
}

type Input = ReturnType<typeof inputsOf>[number];

const report = (api: Api, nodeId: string, gpus: readonly Input[], generation: number): Promise<object> =>
  api.put(`/v1/nodes/${nodeId}/inventory`, {
    generation,
    system: { os: 'Ubuntu 24.04', cpuCores: 64, memoryTotalMb: 524_288 },
    gpus: gpus.map(({ pricePerHourNanoUsd: _, ...seen }) => seen),
  });

/** One heartbeat, under a load that differs from GPU to GPU. */
export async function sendHeartbeat(api: Api, { id, gpus, state }: SeededNode): Promise<void> {
  await api.post('/v1/heartbeats', {
    nodeId: id,
    sequence: Date.now(),
    status: state === 'maintenance' ? 'maintenance' : 'healthy',
    systemMetrics: { cpuUtilization: 23, memoryUtilization: 41, diskUtilization: 57, uptimeS: 864_000 },
    gpus: gpus.map(({ uuid, memoryTotalMb, powerLimitW }, index) => {
      const load = ((index * 37 + 11) % 97) / 100;
      return {
        uuid,
        utilization: Math.round(load * 100),
        memoryUsedMb: Math.round(load * memoryTotalMb),
        temperatureC: 38 + Math.round(load * 35),
        powerDrawW: Math.round(powerLimitW * (0.15 + 0.8 * load)),
        xidErrors: [],
      };
    }),
  });
}

/** Brings a node that was heard into the state that it is meant to show. */
export async function applyState(api: Api, { id, state, gpus }: SeededNode): Promise<void> {
  if (state === 'draining') await api.post(`/v1/nodes/${id}/drain`, { reason: 'rack is to be rewired' });
  if (state !== 'shrunk') return;
  const left = await Promise.all(
    gpus
      .slice(0, -1)
      .map((gpu) => api.get<{ uuid: string; vendor: string; name: string }>(`/v1/gpus/${gpu.id}`)),
  );
  await api.put(`/v1/nodes/${id}/inventory`, {
    generation: 2,
    gpus: left.map(({ uuid, vendor, name }) => ({ uuid, vendor, name })),
  });
}

/** Waits until the service has noticed that nothing comes any more: seconds, a minute at most. */
export async function untilOffline(api: Api, { id, hostname }: SeededNode): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await delay(200)) {
    const { liveness } = await api.get<{ liveness: string }>(`/v1/nodes/${id}`);
    if (liveness === 'offline') return;
  }
  throw new Failure(`${hostname} is silent, and not offline after a minute.`);
}
