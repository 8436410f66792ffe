import type { Api } from '../api.ts';
import type { Cluster } from './cluster.ts';

export interface Allocated {
  id: string;
  gpus: { gpuId: string; nodeId: string; share: number }[];
}

const whole = 1000;

/** What the replay knows by itself of who has what, in thousandths of a GPU: the service is held to it. */
export class Books {
  readonly faults: string[] = [];
  /** Thousandths in use now, and the most there have been. */
  inUse = 0;
  peak = 0;
  readonly #cluster: Cluster;
  readonly #used = new Map<string, number>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Takes an answer down; what it must not say becomes a fault. */
  take(allocation: Allocated, wanted: { gpus: number; share: number }): void {
    const { id, gpus } = allocation;
    const nodes = new Set(gpus.map(({ gpuId }) => this.#cluster.nodeOf.get(gpuId)));
    if (gpus.length !== wanted.gpus || gpus.some(({ share }) => share !== wanted.share))
      this.faults.push(`${id} is not what was asked for`);
    if (nodes.size !== 1 || nodes.has(undefined)) this.faults.push(`${id} is not on one node of the trace`);
    for (const { gpuId, share } of gpus) {
      const used = (this.#used.get(gpuId) ?? 0) + share;
      if (used > whole) this.faults.push(`${gpuId} was given out twice, to ${id} at last`);
      this.#used.set(gpuId, used);
      this.inUse += share;
    }
    this.peak = Math.max(this.peak, this.inUse);
  }

  giveBack({ gpus }: Allocated): void {
    for (const { gpuId, share } of gpus) {
      this.#used.set(gpuId, (this.#used.get(gpuId) ?? 0) - share);
      this.inUse -= share;
    }
  }

  /** Compares what the service shows of its GPUs and counts with the books. */
  async audit(api: Api): Promise<void> {
    let free = 0;
    for (const providerId of this.#cluster.providerIds) {
      for await (const gpu of api.walk<{ id: string; isAllocated: boolean }>(
        `/v1/gpus?providerId=${providerId}&fields=id,isAllocated`,
      )) {
        const used = this.#used.get(gpu.id) ?? 0;
        if (gpu.isAllocated !== used > 0) this.faults.push(`${gpu.id} reads isAllocated ${gpu.isAllocated}`);
        if (used === 0) free++;
      }
    }
    const counted = await this.#gpusFree(api);
    if (counted !== free) this.faults.push(`gpusFree is ${counted}, recounted ${free}`);
  }

  async #gpusFree(api: Api): Promise<number> {
    let counted = 0;
    for (const id of this.#cluster.providerIds) {
      const { counts } = await api.get<{ counts: { gpusFree: number } }>(`/v1/providers/${id}`);
      counted += counts.gpusFree;
    }
    return counted;
  }
}
