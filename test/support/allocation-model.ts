/** What a GPU of the model is like. */
export interface ModelGpu {
  id: string;
  node: number;
  failed: boolean;
  missing: boolean;
  /** Allocations that used it, and whose leftovers nobody has removed. */
  leftovers: Set<string>;
}

export interface ModelAllocation {
  id: string;
  state: 'held' | 'active' | 'released' | 'expired' | 'interrupted';
  gpus: string[];
  share: number;
  /** Stays when a GPU is lost or a node falls silent. */
  keeps: boolean;
  confirmed: boolean;
}

/** What a call should be answered: its status, and its problem's code where it is refused. */
export type Expected = string;

const whole = 1000;
const isLive = ({ state }: ModelAllocation): boolean => state === 'held' || state === 'active';

/** The life of allocations in memory, by the rules of docs/allocations.md alone. */
export class AllocationModel {
  readonly gpus: Map<string, ModelGpu>;
  readonly allocations = new Map<string, ModelAllocation>();
  readonly draining = new Set<number>();
  readonly silent = new Set<number>();
  /** Nodes whose GPUs are cleaned after use. */
  readonly cleaned: ReadonlySet<number>;

  constructor(gpus: readonly Pick<ModelGpu, 'id' | 'node'>[], cleaned: Iterable<number>) {
    this.gpus = new Map(
      gpus.map((gpu) => [gpu.id, { ...gpu, failed: false, missing: false, leftovers: new Set() }]),
    );
    this.cleaned = new Set(cleaned);
  }

  live(): ModelAllocation[] {
    return [...this.allocations.values()].filter(isLive);
  }

  /** Units in use on a GPU by those that `counts`. */
  #used(id: string, counts: (one: ModelAllocation) => boolean): number {
    const users = this.live().filter((one) => counts(one) && one.gpus.includes(id));
    return users.reduce((sum, { share }) => sum + share, 0);
  }

  #isOpen(id: string): boolean {
    const { failed, missing, node, leftovers } = this.gpus.get(id) as ModelGpu;
    const isSound = !failed && !missing && leftovers.size === 0;
    return isSound && !this.draining.has(node) && !this.silent.has(node);
  }

  #stateOf(id: string): 'free' | 'held' | 'allocated' | 'cleaning' {
    if (this.#used(id, ({ state }) => state === 'active') > 0) return 'allocated';
    if ((this.gpus.get(id) as ModelGpu).leftovers.size > 0) return 'cleaning';
    return this.#used(id, () => true) > 0 ? 'held' : 'free';
  }

  free(): string[] {
    return [...this.gpus.keys()].filter((id) => this.#isOpen(id) && this.#used(id, () => true) === 0);
  }

  /** How taking these is answered; `mover` gives back what it has of them first. */
  taking(gpuIds: readonly string[], share: number, mover?: ModelAllocation): Expected {
    const coming = gpuIds.filter((id) => !mover?.gpus.includes(id));
    if (coming.some((id) => this.#used(id, (one) => one !== mover) + share > whole))
      return '409 gpu.unavailable';
    return coming.every((id) => this.#isOpen(id)) ? 'ok' : '409 gpu.unschedulable';
  }

  confirming({ state, confirmed }: ModelAllocation): Expected {
    if (state === 'held' || state === 'active') return 'ok';
    return state === 'expired' && !confirmed
      ? '409 allocation.hold_expired'
      : '409 allocation.illegal_transition';
  }

  extending(allocation: ModelAllocation): Expected {
    return isLive(allocation) ? 'ok' : '409 allocation.illegal_transition';
  }

  releasing(allocation: ModelAllocation): Expected {
    return isLive(allocation) || allocation.state === 'released' ? 'ok' : '409 allocation.illegal_transition';
  }

  moving(allocation: ModelAllocation, gpuIds: readonly string[]): Expected {
    return isLive(allocation)
      ? this.taking(gpuIds, allocation.share, allocation)
      : '409 allocation.illegal_transition';
  }

  begin(id: string, one: Omit<ModelAllocation, 'id' | 'confirmed'>): void {
    this.allocations.set(id, { ...one, id, confirmed: one.state === 'active' });
  }

  end(allocation: ModelAllocation, state: 'released' | 'expired' | 'interrupted'): void {
    if (!isLive(allocation)) return;
    allocation.state = state;
    this.#giveBack(allocation, allocation.gpus);
  }

  move(allocation: ModelAllocation, gpuIds: string[]): void {
    this.#giveBack(
      allocation,
      allocation.gpus.filter((id) => !gpuIds.includes(id)),
    );
    allocation.gpus = gpuIds;
  }

  /** A hold that was never confirmed leaves nothing to clean. */
  #giveBack({ id, confirmed }: ModelAllocation, gpuIds: readonly string[]): void {
    for (const gpuId of gpuIds) {
      const { node, leftovers } = this.gpus.get(gpuId) as ModelGpu;
      if (confirmed && this.cleaned.has(node)) leftovers.add(id);
    }
  }

  confirm(allocation: ModelAllocation): void {
    if (allocation.state === 'held') Object.assign(allocation, { state: 'active', confirmed: true });
  }

  lose(id: string): void {
    (this.gpus.get(id) as ModelGpu).missing = true;
    for (const one of this.live()) if (one.gpus.includes(id) && !one.keeps) this.end(one, 'interrupted');
  }

  fallSilent(node: number): void {
    this.silent.add(node);
    for (const one of this.#on(node)) if (!one.keeps) this.end(one, 'interrupted');
  }

  /** The drain of a node whose deadline is past. */
  drain(node: number): void {
    this.draining.add(node);
    for (const one of this.#on(node)) this.end(one, 'interrupted');
  }

  #on(node: number): ModelAllocation[] {
    return this.live().filter(({ gpus }) => gpus.some((id) => this.gpus.get(id)?.node === node));
  }

  /** Every allocation with its state and what it has if it lives, every GPU with its gates and what is used of it. */
  picture(): string[] {
    const gpus = [...this.gpus.keys()].map((id) => {
      const active = this.#used(id, ({ state }) => state === 'active');
      return `${id} ${this.#isOpen(id) ? 'open' : 'shut'} ${this.#used(id, () => true)} ${active}`;
    });
    const allocations = [...this.allocations.values()].map(
      (one) => `${one.id} ${one.state} ${isLive(one) ? [...one.gpus].sort().join(',') : ''} ${one.share}`,
    );
    return [...gpus, ...allocations].sort();
  }

  /** What `GET /v1/availability` and the provider's `counts` should say. */
  counts() {
    const states = [...this.gpus.keys()].map((id) => ({ id, state: this.#stateOf(id) }));
    const countOf = (state: string) => states.filter((gpu) => gpu.state === state).length;
    const open = states.filter(({ id, state }) => state === 'free' && this.#isOpen(id)).length;
    const [held, allocated] = [countOf('held'), countOf('allocated')];
    const total = this.gpus.size;
    const unschedulable = total - open - held - allocated;
    return { total, free: open, held, allocated, unschedulable, gpusFree: countOf('free') };
  }
}
