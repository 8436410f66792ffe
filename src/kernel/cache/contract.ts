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
