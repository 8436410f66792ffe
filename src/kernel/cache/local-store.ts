/** A value of the first level. Moments are milliseconds of the cache's monotonic clock. */
export interface LocalEntry {
  text: string;
  tags: readonly string[];
  /** From here on the value is served only while its refresh runs. */
  freshUntil: number;
}

interface Limits {
  maxEntries: number;
  /** Length of the texts and keys; a page of text is counted by its characters, not by its heap. */
  maxBytes: number;
}

/** Texts by key in the process: least recently used out first, dropped by tag. */
export class LocalStore {
  readonly #limits: Limits;
  /** A Map iterates in order of insertion, and a read inserts again: the first key is the least recently used. */
  readonly #entries = new Map<string, LocalEntry>();
  readonly #keysByTag = new Map<string, Set<string>>();
  #bytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get size(): { entries: number; bytes: number } {
    return { entries: this.#entries.size, bytes: this.#bytes };
  }

  get(key: string): LocalEntry | undefined {
    const entry = this.#entries.get(key);
    if (entry) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    return entry;
  }

  put(key: string, entry: LocalEntry): void {
    this.#remove(key);
    this.#entries.set(key, entry);
    this.#bytes += bytesOf(key, entry);
    for (const tag of entry.tags) {
      const keys = this.#keysByTag.get(tag);
      if (keys) keys.add(key);
      else this.#keysByTag.set(tag, new Set([key]));
    }
    this.#evict();
  }

  drop(tags: readonly string[]): void {
    for (const tag of tags) {
      for (const key of this.#keysByTag.get(tag) ?? []) this.#remove(key);
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#keysByTag.clear();
    this.#bytes = 0;
  }

  #evict(): void {
    for (const key of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.maxEntries && this.#bytes <= this.#limits.maxBytes) return;
      this.#remove(key);
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= bytesOf(key, entry);
    for (const tag of entry.tags) {
      const keys = this.#keysByTag.get(tag);
      keys?.delete(key);
      if (keys?.size === 0) this.#keysByTag.delete(tag);
    }
  }
}

const bytesOf = (key: string, entry: LocalEntry): number => key.length + entry.text.length;
