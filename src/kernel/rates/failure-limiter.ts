import type { Clock } from '../time.ts';
import { clientNetwork } from './client-address.ts';
import { type Hit, RateCounter } from './rate-counter.ts';

/**
 * Counts failed authentications by address. Callers with a good key are never held up by a bad neighbour behind the
 * same address: ask it after a key has failed, and answer 429 instead of 401 when it says so.
 */
export class FailureLimiter {
  readonly #counter: RateCounter;
  readonly #limit: number;

  constructor(clock: Clock, { limit = 20, windowMs = 60_000 }: { limit?: number; windowMs?: number } = {}) {
    this.#counter = new RateCounter(clock, windowMs);
    this.#limit = limit;
  }

  /** Whether the address has used up its failures: then a key need not even be looked up. */
  isExhausted(address: string): boolean {
    return this.#counter.countOf(clientNetwork(address)) >= this.#limit;
  }

  /** Notes a failure; the time to wait in milliseconds once there are too many, else null. */
  fail(address: string): number | null {
    const { count, resetMs }: Hit = this.#counter.hit(clientNetwork(address));
    return count > this.#limit ? resetMs : null;
  }
}
