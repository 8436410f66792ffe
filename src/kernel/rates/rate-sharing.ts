import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { RateCounter } from './rate-counter.ts';
import type { SharedCounters } from './shared-counters.ts';

/** Shares a process's counts with the other replicas, one exchange after the other, in the background. */
export class RateSharing {
  readonly #counter: RateCounter;
  readonly #shared: SharedCounters;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  #running: Promise<void> | null = null;
  #failing = false;

  constructor(counter: RateCounter, shared: SharedCounters, log: Pick<Logger, 'info' | 'warn'>) {
    this.#counter = counter;
    this.#shared = shared;
    this.#log = log;
  }

  /** Never rejects; joins the exchange that runs already. A failure is logged when it begins and when it ends. */
  exchange(): Promise<void> {
    this.#running ??= this.#exchange().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #exchange(): Promise<void> {
    try {
      await this.#counter.share(this.#shared);
      if (this.#failing) this.#log.info('rate limits are shared again');
      this.#failing = false;
    } catch (error) {
      if (!this.#failing)
        this.#log.warn({ err: error }, 'rate limits are not shared, each process limits by itself');
      this.#failing = true;
    }
  }
}

/** Counters in Redis: one pipeline for each exchange, keys that expire after their window. */
export function redisCounters(redis: Redis, prefix: string): SharedCounters {
  return {
    async add(increments) {
      const pipeline = redis.pipeline();
      for (const { key, by, ttlMs } of increments)
        pipeline.incrby(prefix + key, by).pexpire(prefix + key, ttlMs);
      const replies = (await pipeline.exec()) ?? [];
      return replies.flatMap(([error, total], index) => {
        if (error) throw error;
        return index % 2 === 0 ? [Number(total)] : [];
      });
    },
  };
}
