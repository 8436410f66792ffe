import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';
import type { Clock } from '../time.ts';
import { BusCoherence } from './bus-coherence.ts';
import { aloneCoherence, type Drop } from './coherence.ts';
import { ReadThrough } from './read-through.ts';
import { SharedStore } from './shared-store.ts';

/** How long answers may be kept, in seconds, by what they are about. */
export const defaultTtlS = { identity: 600, inventory: 300, volatile: 60, prices: 30, analytics: 1800 };

export type Domain = keyof typeof defaultTtlS;

/** What is cached: its key says everything that the answer depends on, the tenant too; its tags, what changes it. */
export interface CacheName {
  domain: Domain;
  key: string;
  tags: readonly string[];
}

/**
 * How a read was answered (`hit` in process, `shared` by Redis, `stale` while its refresh runs, `joined` another
 * reader's load, `loaded`, or `bypassed` because no cache may be used now), or what went wrong on the way.
 */
export type CacheOutcome =
  | 'hit'
  | 'shared'
  | 'stale'
  | 'joined'
  | 'loaded'
  | 'bypassed'
  | 'poisoned'
  | 'refresh_failed';

export interface CacheState {
  mode: 'memory' | 'redis';
  /** `degraded`: every read is a load, since a cached answer might be out of date. */
  status: 'ok' | 'degraded';
  entries: number;
  bytes: number;
}

/** Read-through cache of JSON answers. Never ask it about a claim, liveness or a right. */
export interface Cache {
  /** The cached answer, or what `load` gives; a new object each time. Rejects as `load` does, and that is not kept. */
  readThrough<T>(name: CacheName, load: () => Promise<T>): Promise<T>;
  /** The same for an answer that is serialised already: a hit costs neither parsing nor printing. */
  readThroughText(name: CacheName, load: () => Promise<string>): Promise<string>;
  /**
   * To be awaited after COMMIT and before the answer goes out. Afterwards no reader of this process sees an older
   * value; readers of other replicas follow within 2 s with Redis, within the age of `replicas` without. Never
   * rejects, and takes 50 ms at most.
   */
  invalidate(tags: readonly string[]): Promise<void>;
  state(): CacheState;
  close(): Promise<void>;
}

export interface CacheOptions {
  /** Null: values are kept in the process, and only while there is no other replica. */
  redisUrl: string | null;
  /** Before every key and channel; the same for all replicas. */
  prefix: string;
  /** The shape of the cached answers, such as the release: values of another shape are never read. */
  shape: string;
  log: Logger;
  /** Live replicas by the `instance` table, this one included; known before the first request, at most 4 s old. */
  replicas: () => number;
  ttlS?: Record<Domain, number>;
  maxEntries?: number;
  maxBytes?: number;
  /** Monotonic; tests hand in their own. */
  clock?: Clock;
  /** Called for each read and each fault, for metrics. */
  observe?: (domain: Domain, outcome: CacheOutcome) => void;
}

const monotonicClock: Clock = { now: () => performance.now() };

/** Opens the cache; it answers at once, by loading until it is in touch with all replicas. */
export function createCache({
  ttlS = defaultTtlS,
  maxEntries = 20_000,
  maxBytes = 64 * 2 ** 20,
  clock = monotonicClock,
  observe = () => {},
  redisUrl,
  prefix,
  shape,
  log,
  replicas,
}: CacheOptions): Cache {
  const drop: Drop = (tags) => cache.drop(tags);
  const bus = redisUrl ? new BusCoherence({ redisUrl, prefix, log, clock, replicas, drop }) : null;
  const cache = new ReadThrough({
    coherence: bus ?? aloneCoherence(replicas, drop),
    store: bus && new SharedStore({ link: bus.link, prefix, shape }),
    ttlS,
    maxEntries,
    maxBytes,
    clock,
    observe,
  });
  return cache;
}
