import type { Clock } from '../time.ts';

interface BreakerOptions {
  clock: Clock;
  /** Failures in a row that open it. */
  failures: number;
  openMs: number;
}

/**
 * Spares callers the wait for something that has just failed several times in a row: open, it admits nothing for
 * `openMs`, then a single probe, whose success closes it (Nygard, "Release It!", Circuit Breaker).
 */
export class Breaker {
  readonly #options: BreakerOptions;
  #failures = 0;
  #openUntil = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Whether a call may go out now; a caller that is admitted reports `succeeded` or `failed`. */
  admits(): boolean {
    if (this.#failures < this.#options.failures) return true;
    if (this.#options.clock.now() < this.#openUntil) return false;
    this.#pause();
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(): void {
    if (++this.#failures >= this.#options.failures) this.#pause();
  }

  #pause(): void {
    this.#openUntil = this.#options.clock.now() + this.#options.openMs;
  }
}
