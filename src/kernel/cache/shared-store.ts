import { randomUUID } from 'node:crypto';
import { everything } from './pending-tags.ts';
import type { RedisLink } from './redis-link.ts';

/** Tokens outlive every value; one that is gone (expired, evicted, flushed) is only a miss. */
const tokenTtlMs = 24 * 3600 * 1000;
/** What PTTL says of a key that never expires; ours all do. */
const noExpiry = -1;

/** What Redis knew when it was asked. */
export interface Lookup {
  /** What a value must begin with to be valid: its key and the tokens of its tags, as they were before any load. */
  head: string;
  /** Null when there is no value, or none that is valid. */
  text: string | null;
  /** Time that Redis will still keep the value. */
  leftMs: number;
  /** A value was there that this cache never wrote. */
  poisoned: boolean;
}

interface StoreOptions {
  link: RedisLink;
  prefix: string;
  /** Values written under another shape are never read; tokens are shared by all shapes. */
  shape: string;
}

/**
 * The second level. Each tag has a random token in Redis; a value is valid while its head names the tokens that its
 * tags have now, and an invalidation deletes the tokens. So a value that was loaded before an invalidation and stored
 * after it is never valid, and neither eviction nor FLUSHALL can bring it back, as a counter that starts again at 1
 * would.
 */
export class SharedStore {
  readonly #link: RedisLink;
  readonly #prefix: string;
  readonly #shape: string;

  constructor({ link, prefix, shape }: StoreOptions) {
    this.#link = link;
    this.#prefix = prefix;
    this.#shape = shape;
  }

  /** To be called before the load whose result `write` may store; rejects where Redis does not answer. */
  async read(key: string, tags: readonly string[]): Promise<Lookup> {
    const valueKey = this.#valueKey(key);
    const tokenKeys = [everything, ...tags].map((tag) => tokenKey(this.#prefix, tag));
    const [[value = null, ...known], leftMs] = await this.#link.run((redis) =>
      Promise.all([redis.mget(valueKey, ...tokenKeys), redis.pttl(valueKey)]),
    );
    const complete = known.every((token) => token !== null);
    const head = headOf(valueKey, complete ? known : await this.#makeTokens(tokenKeys, known));
    const valid = complete && leftMs > 0 && value?.startsWith(head);
    return {
      head,
      text: valid && value ? value.slice(head.length) : null,
      leftMs,
      poisoned: leftMs === noExpiry || (value !== null && !value.startsWith(`[${JSON.stringify(valueKey)},`)),
    };
  }

  /** Stores what was loaded after `lookup`; valid unless one of its tags has been invalidated since. */
  async write(key: string, { head }: Lookup, text: string, ttlMs: number): Promise<void> {
    await this.#link.run((redis) => redis.set(this.#valueKey(key), head + text, 'PX', Math.ceil(ttlMs)));
  }

  #valueKey(key: string): string {
    return `${this.#prefix}value:${this.#shape}:${key}`;
  }

  async #makeTokens(keys: string[], known: (string | null)[]): Promise<(string | null)[]> {
    const missing = keys.filter((_, index) => known[index] === null);
    return this.#link.run(async (redis) => {
      const made = missing.map((key) => redis.set(key, randomUUID(), 'PX', tokenTtlMs, 'NX'));
      const [tokens] = await Promise.all([redis.mget(...keys), ...made]);
      return tokens;
    });
  }
}

/** Where the token of a tag lies; without it no value with this tag is valid. */
export const tokenKey = (prefix: string, tag: string): string => `${prefix}token:${tag}`;

const headOf = (key: string, tokens: (string | null)[]): string => `${JSON.stringify([key, ...tokens])}\n`;
