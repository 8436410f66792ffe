/**
 * Equal work that is asked for by several at once and done once. Only work that has not begun is joined, so that
 * everybody sees what was so after they asked.
 */
export class Flights<Result> {
  readonly #waiting = new Map<string, Promise<Result>>();

  /** The result of work of the same name that still waits, or of `work`, which says when it begins. */
  join(name: string, work: (begun: () => void) => Promise<Result>): Promise<Result> {
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) return waiting;
    const flight = work(() => this.#waiting.delete(name));
    this.#waiting.set(name, flight);
    return flight;
  }
}
