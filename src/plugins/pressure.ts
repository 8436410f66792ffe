import underPressure from '@fastify/under-pressure';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { unavailable } from '../kernel/errors.ts';
import { type Clock, systemClock } from '../kernel/time.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Served under overload too, as heartbeats are: refusing signs of life would make healthy nodes look dead. */
    underPressure?: 'serve';
  }
}

export interface PressureOptions {
  /** Mean delay of the event loop over `sampleMs`, in milliseconds, beyond which new work is refused. */
  maxEventLoopDelayMs?: number;
  /** Bytes of the heap and of the whole process; 0 sets no limit. */
  maxHeapBytes?: number;
  maxRssBytes?: number;
  sampleMs?: number;
  clock?: Clock;
  /** What callers are told to wait, in seconds. */
  retryAfterS?: number;
}

const isExempt = ({ routeOptions }: FastifyRequest): boolean =>
  routeOptions.config.probe === true || routeOptions.config.underPressure === 'serve';

/**
 * Sheds load with 503 `service.overloaded` once the event loop lags for a whole sample. Utilisation is no measure
 * here: a burst of 512 requests keeps the loop fully used and is still served.
 */
export const pressure = fp<PressureOptions>(
  async (app, options) => {
    const { retryAfterS = 2, sampleMs = 2_000, clock = systemClock } = options;
    // The first samples still hold what the start itself took.
    let watchedFrom = Number.POSITIVE_INFINITY;
    app.addHook('onListen', async () => {
      watchedFrom = clock.now() + 2 * sampleMs;
    });
    await app.register(underPressure, {
      maxEventLoopDelay: options.maxEventLoopDelayMs ?? 1_000,
      maxHeapUsedBytes: options.maxHeapBytes ?? 0,
      maxRssBytes: options.maxRssBytes ?? 0,
      sampleInterval: sampleMs,
      pressureHandler: async (request, _reply, type, value) => {
        if (clock.now() < watchedFrom || isExempt(request)) return;
        request.log.warn({ type, value }, 'under pressure');
        throw unavailable('service.overloaded', 'The service is overloaded.', retryAfterS);
      },
    });
  },
  { name: 'pressure' },
);
