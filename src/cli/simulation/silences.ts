/** How a service judges silence, in milliseconds. */
export interface Judgement {
  /** From a missed deadline to offline. */
  graceMs: number;
  /** By how much an honest service may be late: its sweep, our look at it, and the network. */
  toleranceMs: number;
}

/**
 * What should have been seen of the nodes, by their own account: how often one was silent past its deadline and the
 * grace. A silence that ends about when it would count may be seen or not, so the account has two ends.
 */
export class Silences {
  readonly #judgement: Judgement;
  readonly #offlineAtMs = new Map<string, number>();
  #sure = 0;
  #possible = 0;

  constructor(judgement: Judgement) {
    this.#judgement = judgement;
  }

  /** An acknowledged heartbeat: silence counts from `deadlineMs`, by our clock. */
  heard(nodeId: string, nowMs: number, deadlineMs: number): void {
    this.#end(nodeId, nowMs);
    this.#offlineAtMs.set(nodeId, deadlineMs + this.#judgement.graceMs);
  }

  /** Times that a node must, and at most can, have gone offline until now. */
  expected(nowMs: number): { least: number; most: number } {
    const open = [...this.#offlineAtMs.values()];
    return {
      least: this.#sure + open.filter((at) => at + this.#judgement.toleranceMs <= nowMs).length,
      most: this.#possible + open.filter((at) => at <= nowMs).length,
    };
  }

  #end(nodeId: string, nowMs: number): void {
    const at = this.#offlineAtMs.get(nodeId) ?? Number.POSITIVE_INFINITY;
    if (at + this.#judgement.toleranceMs <= nowMs) this.#sure++;
    if (at <= nowMs) this.#possible++;
  }
}
