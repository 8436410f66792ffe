interface Pacing {
  minIntervalS: number;
  targetRate: number;
}

interface Breaker {
  breakerShare: number;
  breakerMinNodes: number;
}

/**
 * Milliseconds between two heartbeats of one node, such that a fleet of `nodes` together sends about `targetRate` a
 * second. The idea is Nomad's `max_heartbeats_per_second`.
 *
 * @see https://developer.hashicorp.com/nomad/docs/configuration/server
 */
export const intervalMs = (nodes: number, { minIntervalS, targetRate }: Pacing): number =>
  Math.ceil(Math.max(minIntervalS, nodes / targetRate) * 1000);

/**
 * The interval with so much of the queue taken (0–1): beyond a half of it up to four times as long, so that a service that
 * falls behind is asked less before it has to refuse.
 */
export const strained = (interval: number, queueShare: number): number =>
  Math.ceil(interval * (1 + 6 * Math.max(0, queueShare - 0.5)));

/** The interval plus up to half of it, by `random` (0–1): nodes that woke together drift apart. */
export const jittered = (interval: number, random: number): number => Math.round(interval * (1 + random / 2));

/**
 * Milliseconds from a heartbeat to its deadline: two intervals. Jitter takes half of one at most, so at least half of
 * one is left for a slow network or one repeated request.
 */
export const windowMs = (interval: number): number => 2 * interval;

/** The interval that a window belongs to. */
export const intervalOf = (window: number): number => window / 2;

/**
 * Whether so many nodes would go offline at once that the fault is more likely ours, or the network's: more than
 * `breakerShare` of those that are online or late, and at least `breakerMinNodes`. Eureka's self-preservation mode.
 */
export const breakerTrips = (
  { watched, expiring }: { watched: number; expiring: number },
  { breakerShare, breakerMinNodes }: Breaker,
): boolean => expiring >= breakerMinNodes && expiring > breakerShare * watched;

/**
 * Whether enough of the nodes that a trip made unknown were heard again to prove that the silence is not ours: the
 * share `breakerProof` of them. Who still is silent may then be judged as usual.
 */
export const reachabilityProved = (
  { nodes, unheard }: { nodes: number; unheard: number },
  breakerProof: number,
): boolean => nodes - unheard >= breakerProof * nodes;
