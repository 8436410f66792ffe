import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';
import type { Clock } from '../time.ts';
import { BusCoherence } from './bus-coherence.ts';
import { aloneCoherence, type Drop } from './coherence.ts';
import { type Cache, type CacheOutcome, type Domain, defaultTtlS } from './contract.ts';
import { ReadThrough } from './read-through.ts';
import { SharedStore } from './shared-store.ts';

export type { Cache, CacheName, CacheOutcome, Domain } from './contract.ts';

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
