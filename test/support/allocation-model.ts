/** What a GPU of the model is like. */
export interface ModelGpu {
  id: string;
  node: number;
  failed: boolean;
  missing: boolean;
}

export interface ModelAllocation {
  id: string;
  state: 'held' | 'active' | 'released' | 'expired' | 'interrupted';
  gpus: string[];
  share: number;
  /** Stays when a GPU is lost. */
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

  constructor(gpus: readonly ModelGpu[]) {
    this.gpus = new Map(gpus.map((gpu) => [gpu.id, gpu]));
  }

  live(): ModelAllocation[] {
    return [...this.allocations.values()].filter(isLive);
  }

  /** Units in use on a GPU, but for those of one allocation. */
  #used(id: string, except?: ModelAllocation): number {
    const users = this.live().filter((one) => one !== except && one.gpus.includes(id));
    return users.reduce((sum, { share }) => sum + share, 0);
  }

  #isOpen(id: string): boolean {
    const { failed, missing, node } = this.gpus.get(id) as ModelGpu;
    return !failed && !missing && !this.draining.has(node);
  }

  free(): string[] {
    return [...this.gpus.keys()].filter((id) => this.#isOpen(id) && this.#used(id) === 0);
  }

  /** How taking these is answered; `mover` gives back what it has of them first. */
  taking(gpuIds: readonly string[], share: number, mover?: ModelAllocation): Expected {
    const coming = gpuIds.filter((id) => !mover?.gpus.includes(id));
    if (coming.some((id) => this.#used(id, mover) + share > whole)) return '409 gpu.unavailable';
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

  end(allocation: ModelAllocation, state: 'released' | 'expired' | 'interrupted'): void {
    if (isLive(allocation)) allocation.state = state;
  }

  confirm(allocation: ModelAllocation): void {
    if (allocation.state === 'held') Object.assign(allocation, { state: 'active', confirmed: true });
  }

  lose(id: string): void {
    (this.gpus.get(id) as ModelGpu).missing = true;
    for (const one of this.live()) if (one.gpus.includes(id) && !one.keeps) this.end(one, 'interrupted');
  }

  /** The drain of a node whose deadline is past. */
  drain(node: number): void {
    this.draining.add(node);
    const isOn = (id: string) => this.gpus.get(id)?.node === node;
    for (const one of this.live()) if (one.gpus.some(isOn)) this.end(one, 'interrupted');
  }

  /** Every allocation with its state, and what it has if it lives, to be compared with the database's rows. */
  picture(): string[] {
    return [...this.allocations.values()]
      .map(
        (one) => `${one.id} ${one.state} ${isLive(one) ? [...one.gpus].sort().join(',') : ''} ${one.share}`,
      )
      .sort();
  }
}
