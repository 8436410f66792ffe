/** Stands for every tag: whatever is cached carries it. */
export const everything = '*';

/** More outstanding tags than this are cheaper as `everything`. */
const maxTags = 10_000;

/** One attempt to tell all replicas; `settle` when it got through. */
export interface Attempt {
  tags: readonly string[];
  settle(): void;
}

/** Invalidations that have not reached all replicas yet. Values with these tags must not come from a cache. */
export class PendingTags {
  /** The turn of each tag's latest attempt: an earlier one that gets through does not settle a later one. */
  readonly #turns = new Map<string, number>();
  #turn = 0;

  get size(): number {
    return this.#turns.size;
  }

  add(tags: readonly string[]): Attempt {
    if (this.#turns.size + tags.length > maxTags && !tags.includes(everything)) return this.addEverything();
    const turn = ++this.#turn;
    for (const tag of tags) this.#turns.set(tag, turn);
    return { tags, settle: () => this.#settle(tags, turn) };
  }

  /** Takes the place of all that is outstanding. */
  addEverything(): Attempt {
    this.#turns.clear();
    return this.add([everything]);
  }

  /** All that is outstanding, once more. */
  again(): Attempt {
    return this.add([...this.#turns.keys()]);
  }

  holdsAny(tags: readonly string[]): boolean {
    if (this.#turns.size === 0) return false;
    return this.#turns.has(everything) || tags.some((tag) => this.#turns.has(tag));
  }

  #settle(tags: readonly string[], turn: number): void {
    for (const tag of tags) if (this.#turns.get(tag) === turn) this.#turns.delete(tag);
  }
}
