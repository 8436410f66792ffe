interface BatcherOptions<Item, Result> {
  /** Batches in work at once: one for each connection. */
  lanes: number;
  /** Weight of a batch; one item may exceed it alone. */
  batchWeight: number;
  /** Weight that may wait; `onFull` makes the error that a further item is refused with. */
  queueWeight: number;
  weightOf(item: Item): number;
  onFull(): Error;
  /** Outcomes in the order of `items`; when it throws, all of them fail alike. */
  work(items: readonly Item[]): Promise<readonly PromiseSettledResult<Result>[]>;
}

interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(reason: unknown): void;
}

/**
 * Collects items and works on many at a time: a batch leaves as soon as a lane is free, with whatever has gathered
 * until then. So a lone item never waits, and batches grow with the load by themselves: the group commit of
 * databases, without its timer (a fixed window of 5 ms cost latency at low load and gained nothing at high load).
 */
export class Batcher<Item, Result> {
  readonly #options: BatcherOptions<Item, Result>;
  #queue: Waiting<Item, Result>[] = [];
  #queued = 0;
  readonly #running = new Set<Promise<void>>();

  constructor(options: BatcherOptions<Item, Result>) {
    this.#options = options;
  }

  /** Weight of what waits and is not yet in work. */
  get queued(): number {
    return this.#queued;
  }

  /** The item's own outcome. @throws what `onFull` makes, at once, when the queue is full. */
  submit(item: Item): Promise<Result> {
    const { queueWeight, weightOf, onFull } = this.#options;
    if (this.#queued + weightOf(item) > queueWeight) return Promise.reject(onFull());
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, resolve, reject });
      this.#queued += weightOf(item);
      this.#fillLanes();
    });
  }

  /** Resolves when everything that was submitted has its outcome. */
  async drained(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #fillLanes(): void {
    while (this.#running.size < this.#options.lanes && this.#queue.length > 0) {
      const run: Promise<void> = this.#run(this.#take()).finally(() => {
        this.#running.delete(run);
        this.#fillLanes();
      });
      this.#running.add(run);
    }
  }

  #take(): Waiting<Item, Result>[] {
    const { batchWeight, weightOf } = this.#options;
    let [weight, count] = [0, 0];
    for (const { item } of this.#queue) {
      if (count > 0 && weight + weightOf(item) > batchWeight) break;
      weight += weightOf(item);
      count++;
    }
    this.#queued -= weight;
    return this.#queue.splice(0, count);
  }

  async #run(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const outcomes = await this.#options.work(batch.map(({ item }) => item));
      batch.forEach(({ resolve, reject }, index) => {
        const outcome = outcomes[index];
        if (outcome?.status === 'fulfilled') resolve(outcome.value);
        else reject(outcome?.reason);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
