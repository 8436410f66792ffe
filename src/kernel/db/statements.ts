/** How often a text must come before it is worth a name, and how many there may be on a connection. */
const worthNaming = 3;
const namedAtMost = 400;
const countedAtMost = 4000;

/**
 * Names statements that keep coming, so that PostgreSQL parses and plans them once a connection. Searches differ with
 * their filters: only what repeats gets a name, and there is an end to them, since each is kept by every connection.
 * A transaction pooler must know prepared statements (PgBouncer 1.21 and later), or they are switched off.
 */
export class Statements {
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  nameOf(text: string): string | undefined {
    const name = this.#names.get(text);
    if (name !== undefined || this.#names.size >= namedAtMost) return name;
    const count = (this.#counts.get(text) ?? 0) + 1;
    if (count < worthNaming) {
      if (this.#counts.size >= countedAtMost) this.#counts.clear();
      this.#counts.set(text, count);
      return undefined;
    }
    this.#counts.delete(text);
    const given = `dpi_${this.#names.size}`;
    this.#names.set(text, given);
    return given;
  }
}
