/**
 * Equal work that is asked for by several at once and done once. Work that has begun is joined only where that is said:
 * whoever does so may see what was so a moment before they asked.
 */
export class Flights<Result> {
  readonly #waiting = new Map<string, Promise<Result>>();
  readonly #running = new Map<string, Promise<Result>>();

  /** The result of work of the same name that waits, or is under way, or of `work`, which says when it begins. */
  join(
    name: string,
    work: (begun: () => void) => Promise<Result>,
    { evenRunning = false }: { evenRunning?: boolean } = {},
  ): Promise<Result> {
    const other = (evenRunning ? this.#running.get(name) : undefined) ?? this.#waiting.get(name);
    if (other !== undefined) return other;
    const begun = () => {
      this.#waiting.delete(name);
      this.#running.set(name, flight);
    };
    const ended = () => {
      for (const flights of [this.#waiting, this.#running])
        if (flights.get(name) === flight) flights.delete(name);
    };
    const flight = Promise.resolve()
      .then(() => work(begun))
      .finally(ended);
    this.#waiting.set(name, flight);
    return flight;
  }
}
