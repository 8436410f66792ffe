/** A GPU of the model: a physical one, or a partition with what it takes of its physical GPU, in thousandths. */
export interface ModelGpu {
  id: string;
  root: string;
  compute: number;
  memory: number;
}

interface Use {
  gpu: ModelGpu;
  share: number;
}

const units = (share: number, part: number): number => Math.max(1, Math.floor((share * part) / 1000));

/** What the ledger promises, in memory: who may use which part of a GPU beside whom. */
export class LedgerModel {
  readonly #gpus: ReadonlyMap<string, ModelGpu>;
  readonly #uses = new Map<string, Use[]>();

  constructor(gpus: readonly ModelGpu[]) {
    this.#gpus = new Map(gpus.map((gpu) => [gpu.id, gpu]));
  }

  /** Whether a claim of a share of each of these GPUs may be granted now. */
  allows(gpuIds: readonly string[], share: number): boolean {
    const asked = gpuIds.map((id) => ({ gpu: this.#gpuOf(id), share }));
    const all = [...this.#live, ...asked];
    return asked.every(({ gpu }) => this.#fits(gpu, all));
  }

  take(allocationId: string, gpuIds: readonly string[], share: number): void {
    this.#uses.set(
      allocationId,
      gpuIds.map((id) => ({ gpu: this.#gpuOf(id), share })),
    );
  }

  release(allocationId: string): void {
    this.#uses.delete(allocationId);
  }

  get allocationIds(): string[] {
    return [...this.#uses.keys()];
  }

  /** Thousandths in use of a GPU, through its partitions too: of a physical one as compute. */
  used(id: string): number {
    return sum(
      this.#live.map(({ gpu, share }) => {
        if (gpu.id === id) return share;
        return gpu.root === id ? units(share, gpu.compute) : 0;
      }),
    );
  }

  get #live(): Use[] {
    return [...this.#uses.values()].flat();
  }

  #gpuOf(id: string): ModelGpu {
    return this.#gpus.get(id) as ModelGpu;
  }

  /** Shares of one GPU are no more than the whole; a physical GPU is used as such or through partitions that fit into it. */
  #fits({ id, root }: ModelGpu, uses: readonly Use[]): boolean {
    const own = sum(uses.filter(({ gpu }) => gpu.id === id).map(({ share }) => share));
    const parts = uses.filter(({ gpu }) => gpu.root === root && gpu.id !== root);
    const asSuch = uses.some(({ gpu }) => gpu.id === root);
    const compute = sum(parts.map(({ gpu, share }) => units(share, gpu.compute)));
    const memory = sum(parts.map(({ gpu, share }) => units(share, gpu.memory)));
    return own <= 1000 && !(asSuch && parts.length > 0) && compute <= 1000 && memory <= 1000;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
