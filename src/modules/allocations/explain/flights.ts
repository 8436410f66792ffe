/**
 * Runs of equal work that share one result. Only a run that has not begun yet is joined, so that whoever joins sees what
 * was so after it asked; at most `lanes` run at a time, in the order in which they were asked for.
 */
export class Flights<Result> {
  readonly #lanes: number;
  readonly #waiting = new Map<string, Promise<Result>>();
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(lanes: number) {
    this.#lanes = lanes;
  }

  join(key: string, work: () => Promise<Result>): Promise<Result> {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    const flight = this.#inLane(() => {
      this.#waiting.delete(key);
      return work();
    });
    this.#waiting.set(key, flight);
    return flight;
  }

  async #inLane(work: () => Promise<Result>): Promise<Result> {
    await new Promise<void>((enter) => {
      this.#queue.push(enter);
      this.#next();
    });
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }

  #next(): void {
    if (this.#running === this.#lanes) return;
    const enter = this.#queue.shift();
    if (!enter) return;
    this.#running += 1;
    enter();
  }
}
