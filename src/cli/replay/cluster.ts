import type { Api } from '../api.ts';
import { gpuInputs } from '../openb/hardware.ts';
import type { TraceNode } from '../openb/trace.ts';

interface Registered {
  id: string;
  nodes: { id: string; gpus: { id: string }[] }[];
}

/** Nodes that one request registers, and heartbeats that one request brings. */
const nodesAtOnce = 500;

/** A trace's machines as the service has them. */
export class Cluster {
  readonly #api: Api;
  readonly providerIds: string[] = [];
  /** The node of each GPU, by its id. */
  readonly nodeOf = new Map<string, string>();
  readonly #nodeIds: string[] = [];
  #heardUntil = 0;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Registers the machines in the order of the trace: that is what a choice among equals goes by. */
  async register(nodes: readonly TraceNode[], salt: string): Promise<void> {
    for (let from = 0; from < nodes.length; from += nodesAtOnce) {
      const part = nodes.slice(from, from + nodesAtOnce);
      const name = `Replay ${salt}${from / nodesAtOnce + 1}`;
      const provider = await this.#api.post<Registered>('/v1/providers', {
        name,
        email: `${name.replace(' ', '-').toLowerCase()}@example.test`,
        region: 'trace',
        kind: 'datacenter',
        nodes: part.map((node) => ({ hostname: node.name, gpus: gpuInputs(node, salt) })),
      });
      this.providerIds.push(provider.id);
      for (const { id, gpus } of provider.nodes) {
        this.#nodeIds.push(id);
        for (const gpu of gpus) this.nodeOf.set(gpu.id, id);
      }
    }
  }

  /** Heartbeats of all nodes, where those that they sent are half over. */
  async beat(): Promise<void> {
    if (Date.now() < this.#heardUntil) return;
    let nextMs = Number.POSITIVE_INFINITY;
    for (let from = 0; from < this.#nodeIds.length; from += nodesAtOnce) {
      const part = this.#nodeIds.slice(from, from + nodesAtOnce);
      const { results } = await this.#api.post<{ results: { nextHeartbeatInMs: number }[] }>(
        '/v1/heartbeats/batch',
        { heartbeats: part.map((nodeId) => ({ nodeId, sequence: Date.now(), status: 'healthy' })) },
      );
      for (const { nextHeartbeatInMs } of results) nextMs = Math.min(nextMs, nextHeartbeatInMs);
    }
    this.#heardUntil = Date.now() + nextMs / 2;
  }
}
