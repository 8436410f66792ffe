import type { Clock } from '../time.ts';
import type { Coherence } from './coherence.ts';
import type { Cache, CacheName, CacheOutcome, CacheState, Domain } from './contract.ts';
import { LocalStore } from './local-store.ts';
import { everything } from './pending-tags.ts';
import type { Lookup, SharedStore } from './shared-store.ts';

/** How long a value may be served past its time, while one refresh runs (RFC 5861, stale-while-revalidate). */
const staleMs = 10_000;
/** Nobody joins a load that has been running for longer: what it read may be as old as that. */
const joinWithinMs = 1000;

interface Flight {
  tags: readonly string[];
  startedAt: number;
  text: Promise<string>;
}

interface ReadThroughOptions {
  ttlS: Record<Domain, number>;
  maxEntries: number;
  maxBytes: number;
  clock: Clock;
  observe: (domain: Domain, outcome: CacheOutcome) => void;
  coherence: Coherence;
  /** The second level; null in memory mode. */
  store: Pick<SharedStore, 'read' | 'write'> | null;
}

/**
 * Two levels before a load, and one load per key at a time. An invalidation takes the flights of its tags off the
 * list; only a flight that is still listed may store its result, and only a listed one is joined.
 */
export class ReadThrough implements Cache {
  readonly #options: ReadThroughOptions;
  readonly #local: LocalStore;
  readonly #flights = new Map<string, Flight>();

  constructor(options: ReadThroughOptions) {
    this.#options = options;
    this.#local = new LocalStore(options);
  }

  async readThrough<T>(name: CacheName, load: () => Promise<T>): Promise<T> {
    return JSON.parse(await this.readThroughText(name, async () => JSON.stringify(await load())));
  }

  readThroughText(name: CacheName, load: () => Promise<string>): Promise<string> {
    const { clock, coherence, observe } = this.#options;
    const id = idOf(name);
    const entry = coherence.usable(name.tags) ? this.#local.get(id) : undefined;
    const age = entry ? clock.now() - entry.freshUntil : Infinity;
    if (entry && age < 0) {
      observe(name.domain, 'hit');
      return Promise.resolve(entry.text);
    }
    if (entry && age < staleMs) {
      this.#refresh(name, load);
      observe(name.domain, 'stale');
      return Promise.resolve(entry.text);
    }
    const flight = this.#joinable(id);
    if (!flight) return this.#start(name, load, false);
    observe(name.domain, 'joined');
    return flight.text;
  }

  async invalidate(tags: readonly string[]): Promise<void> {
    if (tags.length === 0) return;
    this.drop(tags);
    await this.#options.coherence.announce(tags);
  }

  /** Forgets in this process alone. */
  drop(tags: readonly string[]): void {
    const all = tags.includes(everything);
    if (all) this.#local.clear();
    else this.#local.drop(tags);
    for (const [id, flight] of this.#flights) {
      if (all || flight.tags.some((tag) => tags.includes(tag))) this.#flights.delete(id);
    }
  }

  state(): CacheState {
    const { coherence, store } = this.#options;
    const status = coherence.usable([]) ? 'ok' : 'degraded';
    return { mode: store ? 'redis' : 'memory', status, ...this.#local.size };
  }

  close(): Promise<void> {
    return this.#options.coherence.close();
  }

  #joinable(id: string): Flight | undefined {
    const flight = this.#flights.get(id);
    return flight && this.#options.clock.now() - flight.startedAt < joinWithinMs ? flight : undefined;
  }

  #refresh(name: CacheName, load: () => Promise<string>): void {
    if (this.#joinable(idOf(name))) return;
    this.#start(name, load, true).catch(() => this.#options.observe(name.domain, 'refresh_failed'));
  }

  #start(name: CacheName, load: () => Promise<string>, refreshing: boolean): Promise<string> {
    const id = idOf(name);
    const startedAt = this.#options.clock.now();
    const flight: Flight = { tags: name.tags, startedAt, text: Promise.resolve('') };
    // Listed before anything is read: an invalidation from now on finds it.
    this.#flights.set(id, flight);
    const listed = () => this.#flights.get(id) === flight;
    flight.text = this.#fetch(name, load, { refreshing, listed }).finally(() => {
      if (listed()) this.#flights.delete(id);
    });
    return flight.text;
  }

  async #fetch(
    name: CacheName,
    load: () => Promise<string>,
    { refreshing, listed }: { refreshing: boolean; listed: () => boolean },
  ): Promise<string> {
    const { coherence, observe } = this.#options;
    const { domain } = name;
    if (!coherence.usable(name.tags)) {
      observe(domain, 'bypassed');
      return load();
    }
    const lookup = await this.#lookUp(name);
    if (lookup?.poisoned) observe(domain, 'poisoned');
    if (lookup?.text && (lookup.leftMs > staleMs || !refreshing)) {
      if (listed()) this.#keep(name, lookup.text, lookup.leftMs - staleMs);
      observe(domain, 'shared');
      return lookup.text;
    }
    const text = await load();
    if (listed()) this.#store(name, text, lookup);
    observe(domain, 'loaded');
    return text;
  }

  /** Null where there is no second level, or none that answers; its link counts and logs the failure. */
  async #lookUp(name: CacheName): Promise<Lookup | null> {
    const { store } = this.#options;
    return store ? store.read(idOf(name), name.tags).catch(() => null) : null;
  }

  #store(name: CacheName, text: string, lookup: Lookup | null): void {
    const { store, ttlS } = this.#options;
    // ± 10 %, so that what was loaded together does not expire together.
    const ttlMs = ttlS[name.domain] * 1000 * (0.9 + 0.2 * Math.random());
    this.#keep(name, text, ttlMs);
    if (store && lookup) store.write(idOf(name), lookup, text, ttlMs + staleMs).catch(() => {});
  }

  #keep(name: CacheName, text: string, freshMs: number): void {
    const freshUntil = this.#options.clock.now() + freshMs;
    this.#local.put(idOf(name), { text, tags: name.tags, freshUntil });
  }
}

const idOf = ({ domain, key }: CacheName): string => `${domain}:${key}`;
