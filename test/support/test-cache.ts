import { pino } from 'pino';
import {
  type Cache,
  type CacheName,
  type CacheOptions,
  type CacheOutcome,
  createCache,
} from '../../src/kernel/cache/cache.ts';
import { until } from './until.ts';

export interface TestCache extends Cache {
  /** How the reads so far were answered, in order. */
  outcomes: CacheOutcome[];
  /** Reads `price` through the cache, from `source`, which counts its loads. */
  read(source: Source): Promise<number>;
  whenInTouch(): Promise<void>;
}

/** Stands for a row of the database. */
export interface Source {
  value: number;
  loads: number;
}

export const newSource = (value: number): Source => ({ value, loads: 0 });

export const price: CacheName = { domain: 'prices', key: 'gpu-1', tags: ['gpu:1', 'gpus'] };

/** A replica's cache that says how it answered. */
export function testCache(options: Partial<CacheOptions> & Pick<CacheOptions, 'redisUrl'>): TestCache {
  const outcomes: CacheOutcome[] = [];
  const cache = createCache({
    prefix: 'test:',
    shape: '1',
    log: pino({ level: 'silent' }),
    replicas: () => 1,
    observe: (_domain, outcome) => outcomes.push(outcome),
    ...options,
  });
  const load = (source: Source) => async () => {
    source.loads++;
    return source.value;
  };
  return Object.assign(cache, {
    outcomes,
    read: (source: Source) => cache.readThrough(price, load(source)),
    whenInTouch: () => until('the cache is in touch', () => cache.state().status === 'ok'),
  });
}

/** A load that runs until `finish`. */
export function heldLoad(): { load: () => Promise<string>; finish: (text: string) => void } {
  let finish: (text: string) => void = () => {};
  const text = new Promise<string>((resolve) => {
    finish = resolve;
  });
  return { load: () => text, finish: (value) => finish(value) };
}
