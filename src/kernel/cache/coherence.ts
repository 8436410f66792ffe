import { everything } from './pending-tags.ts';

/** Keeps the first levels of all replicas from showing what another replica has changed. */
export interface Coherence {
  /** Whether a value with these tags may be taken from a cache, or put into one, at this moment. */
  usable(tags: readonly string[]): boolean;
  /** Tells the other replicas; resolves when they will not show these values any more, or after 50 ms. */
  announce(tags: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** Called with tags whose values must leave this process. */
export type Drop = (tags: readonly string[]) => void;

export const checkEveryMs = 250;

/**
 * Without Redis nothing tells us of other replicas' commits, so values are kept only while there is no other replica.
 * `replicas` comes from the `instance` table; how stale it may be is how long another replica's commit may go unseen.
 */
export function aloneCoherence(replicas: () => number, drop: Drop): Coherence {
  let alone = true;
  const check = () => {
    const wasAlone = alone;
    alone = replicas() <= 1;
    if (wasAlone && !alone) drop([everything]);
    return alone;
  };
  const timer = setInterval(check, checkEveryMs).unref();
  return {
    usable: check,
    announce: async () => {},
    close: async () => clearInterval(timer),
  };
}
