import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { AppError } from '../kernel/errors.ts';
import { clientNetwork } from '../kernel/rates/client-address.ts';
import { RateCounter } from '../kernel/rates/rate-counter.ts';
import { RateSharing } from '../kernel/rates/rate-sharing.ts';
import type { SharedCounters } from '../kernel/rates/shared-counters.ts';
import { type Clock, systemClock } from '../kernel/time.ts';

/** Requests a minute for each caller, by class of route. `auth` routes give out keys and count by address. */
const defaultQuotas = { read: 6_000, write: 3_000, ingest: 60_000, claim: 6_000, auth: 10 } as const;
export type RateClass = keyof typeof defaultQuotas;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Class of the route; by default `read` for GET and `write` for the rest. `false`: never limited. */
    rateLimit?: RateClass | false;
  }
}

export interface RateLimitOptions {
  /** Off: no limit, no headers. */
  enabled: boolean;
  /** The id of the caller's key; null where the request needs none, and its address counts. */
  keyOf: (request: FastifyRequest) => string | null;
  quotas?: Partial<Record<RateClass, number>>;
  /** Counters that the replicas share; without them each process limits by itself. */
  shared?: SharedCounters;
  /** Milliseconds between two exchanges with the shared counters. */
  shareEveryMs?: number;
  clock?: Clock;
}

const windowS = 60;

/** An address as it may stand in a shared counter's name: the counter's store needs not know who calls. */
const addressKey = (request: FastifyRequest): string =>
  createHash('sha256').update(clientNetwork(request.ip)).digest('base64url').slice(0, 22);

function classOf({ method, routeOptions }: FastifyRequest): RateClass | false {
  const { rateLimit, probe } = routeOptions.config;
  if (probe) return false;
  return rateLimit ?? (method === 'GET' || method === 'HEAD' ? 'read' : 'write');
}

/** 429 `request.rate_limited`, to be tried again after `resetMs`. */
export const rateLimited = (detail: string, resetMs: number): AppError =>
  new AppError(429, 'request.rate_limited', detail, {
    headers: { 'retry-after': String(Math.max(1, Math.ceil(resetMs / 1000))) },
  });

/**
 * Limits requests by caller and class of route, and tells callers where they stand in `RateLimit` and
 * `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers). It runs after all `onRequest` hooks, so the caller is
 * known, and before the body is read. Shared counters are only ever used in the background: when they hang or fail,
 * requests do not notice.
 */
export const rateLimit = fp<RateLimitOptions>(
  async (app, { enabled, keyOf, quotas, shared, shareEveryMs = 500, clock = systemClock }) => {
    if (!enabled) return;
    const limits = { ...defaultQuotas, ...quotas };
    const counter = new RateCounter(clock, windowS * 1000);

    app.addHook('preParsing', (request, reply, payload, done) => {
      const rateClass = classOf(request);
      if (rateClass === false) return done(null, payload);
      const key = (rateClass === 'auth' ? null : keyOf(request)) ?? addressKey(request);
      const quota = limits[rateClass];
      const { count, resetMs } = counter.hit(`${rateClass}:${key}`);
      reply.header('ratelimit-policy', `"${rateClass}";q=${quota};w=${windowS}`);
      reply.header(
        'ratelimit',
        `"${rateClass}";r=${Math.max(0, quota - count)};t=${Math.ceil(resetMs / 1000)}`,
      );
      const exceeded = count > quota ? rateLimited(`More than ${quota} requests a minute.`, resetMs) : null;
      done(exceeded, payload);
    });
    if (shared) {
      const sharing = new RateSharing(counter, shared, app.log);
      const timer = setInterval(() => void sharing.exchange(), shareEveryMs).unref();
      app.addHook('onClose', async () => clearInterval(timer));
    }
  },
  { name: 'rate-limit' },
);
