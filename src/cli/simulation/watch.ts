import type { Api } from '../api.ts';
import type { SimulatedNode } from './fleet.ts';

/** Looks at the service now and then, and counts the nodes of the fleet that it calls offline or unknown anew. */
export class Watch {
  readonly #api: Api;
  readonly #fleet: ReadonlySet<string>;
  #down = new Set<string>();
  /** Transitions to offline or unknown that were seen. */
  seen = 0;

  constructor(api: Api, fleet: readonly SimulatedNode[]) {
    this.#api = api;
    this.#fleet = new Set(fleet.map(({ id }) => id));
  }

  /** Nodes that are down at the last look. */
  get down(): number {
    return this.#down.size;
  }

  async look(): Promise<void> {
    const down = new Set<string>();
    const path = '/v1/nodes?liveness.in=offline,unknown&fields=id';
    for await (const { id } of this.#api.walk<{ id: string }>(path)) if (this.#fleet.has(id)) down.add(id);
    for (const id of down) if (!this.#down.has(id)) this.seen++;
    this.#down = down;
  }
}
