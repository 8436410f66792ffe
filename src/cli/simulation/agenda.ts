/** Things to do at moments in milliseconds, kept in slots: adding and taking cost the same for any number of them. */
export class Agenda<Item> {
  readonly #slotMs: number;
  readonly #slots = new Map<number, Item[]>();
  #next: number;

  /** `slotMs` is how exact it is: what is due within a slot is taken when the slot is over. */
  constructor(startMs: number, slotMs = 50) {
    this.#slotMs = slotMs;
    this.#next = Math.floor(startMs / slotMs);
  }

  /** What lies in the past is due at once. */
  add(item: Item, dueMs: number): void {
    const slot = Math.max(Math.floor(dueMs / this.#slotMs), this.#next);
    const items = this.#slots.get(slot);
    if (items) items.push(item);
    else this.#slots.set(slot, [item]);
  }

  /** Everything that is due by now, in the order of the slots. */
  take(nowMs: number): Item[] {
    const due: Item[] = [];
    for (const end = Math.floor(nowMs / this.#slotMs); this.#next < end; this.#next++) {
      due.push(...(this.#slots.get(this.#next) ?? []));
      this.#slots.delete(this.#next);
    }
    return due;
  }
}
