export interface Backoff {
  baseMs: number;
  capMs: number;
}

/** A service that comes back meets agents spread over the whole interval instead of a storm. */
const SERVICE_BACKOFF: Backoff = { baseMs: 1_000, capMs: 60_000 };

/**
 * Milliseconds to wait after the `failures`-th failure in a row (0 = first): exponential with full jitter, the
 * variant of "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015) that spreads a crowd best.
 * A `Retry-After` is a lower bound on top of which the jitter comes.
 */
export function backoffMs(
  failures: number,
  random: () => number,
  { baseMs, capMs }: Backoff = SERVICE_BACKOFF,
  retryAfterMs = 0,
): number {
  return retryAfterMs + Math.round(random() * Math.min(capMs, baseMs * 2 ** Math.min(failures, 30)));
}
