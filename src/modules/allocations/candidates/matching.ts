import type { GpuClass, Part } from './problem.ts';

/**
 * Which GPUs of a set serve which part of the request. A set can be extended as long as every part can still be given
 * GPUs that fit it, for which those placed before may move: the augmenting paths of bipartite matching. The sets that
 * can be placed form a matroid, so taking the best GPU that can still be placed, over and over, ends in the best set.
 *
 * @see https://en.wikipedia.org/wiki/Gammoid
 */
export class Matching {
  readonly #parts: readonly Part[];
  readonly #classes: readonly GpuClass[];
  /** For each part, how many GPUs of which class serve it. */
  readonly #placed: Map<number, number>[];
  readonly #loads: number[];

  constructor(parts: readonly Part[], classes: readonly GpuClass[], from?: Matching) {
    this.#parts = parts;
    this.#classes = classes;
    this.#placed = parts.map((_, part) => new Map(from ? from.#placed[part] : []));
    this.#loads = parts.map((_, part) => (from ? (from.#loads[part] ?? 0) : 0));
  }

  copy(): Matching {
    return new Matching(this.#parts, this.#classes, this);
  }

  /** Takes one GPU of the class out. */
  remove(cls: number): void {
    const part = this.#placed.findIndex((placed) => placed.has(cls));
    this.#move(cls, part, -1);
  }

  /** Puts one more GPU of the class in; false, and nothing changed, where there is no place for it. */
  add(cls: number): boolean {
    return this.#place(cls, new Set());
  }

  #place(cls: number, visited: Set<string>): boolean {
    const { parts, providerId } = this.#classes[cls] as GpuClass;
    return parts.some((part) => {
      if (!this.#parts[part]?.distinctProviders) return this.#enter(cls, part, visited);
      if (!visit(visited, part, providerId)) return false;
      const sibling = this.#ofProvider(part, providerId);
      return sibling === undefined
        ? this.#enter(cls, part, visited)
        : this.#replace(sibling, cls, part, visited);
    });
  }

  /** Takes a free place of the part, or one that another class can leave. */
  #enter(cls: number, part: number, visited: Set<string>): boolean {
    if (!visit(visited, part)) return false;
    const { count, distinctProviders } = this.#parts[part] as Part;
    if ((this.#loads[part] as number) < count) {
      this.#move(cls, part, 1);
      return true;
    }
    return [...(this.#placed[part] as Map<number, number>).keys()].some(
      (other) =>
        (!distinctProviders || visit(visited, part, this.#classes[other]?.providerId)) &&
        this.#replace(other, cls, part, visited),
    );
  }

  /** Nothing moves before all of the path is known to be open. */
  #replace(other: number, cls: number, part: number, visited: Set<string>): boolean {
    if (!this.#place(other, visited)) return false;
    this.#move(other, part, -1);
    this.#move(cls, part, 1);
    return true;
  }

  #move(cls: number, part: number, step: number): void {
    const placed = this.#placed[part] as Map<number, number>;
    const count = (placed.get(cls) ?? 0) + step;
    if (count === 0) placed.delete(cls);
    else placed.set(cls, count);
    this.#loads[part] = (this.#loads[part] as number) + step;
  }

  #ofProvider(part: number, providerId: string): number | undefined {
    for (const cls of (this.#placed[part] as Map<number, number>).keys())
      if (this.#classes[cls]?.providerId === providerId) return cls;
    return undefined;
  }
}

/** Whether a part, or a provider's place in it, is met for the first time on this path. */
function visit(visited: Set<string>, ...place: (number | string | undefined)[]): boolean {
  const { size } = visited;
  return visited.add(place.join(' ')).size > size;
}
