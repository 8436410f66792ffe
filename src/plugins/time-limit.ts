import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';
import { unavailable } from '../kernel/errors.ts';

export interface TimeLimitOptions {
  /** Milliseconds from the arrival of a request to its answer. */
  limitMs?: number;
}

/** How late a refusal may come, in milliseconds. */
const lookEveryMs = 100;

/**
 * Answers 503 `service.timeout` where a request takes too long; what its handler still does is of no more use to the
 * caller. One timer looks after all requests, the oldest first. Fastify's `handlerTimeout` cost a heartbeat 33 µs of
 * 70, and ended when the body had been read, since Node then emits `close` on the request: POST had no limit at all.
 */
export const timeLimit = fp<TimeLimitOptions>(
  async (app, { limitMs = 4_000 }) => {
    const endsAtMs = new Map<FastifyReply, number>();
    app.addHook('onRequest', (_request, reply, done) => {
      endsAtMs.set(reply, performance.now() + limitMs);
      done();
    });
    app.addHook('onResponse', (_request, reply, done) => {
      endsAtMs.delete(reply);
      done();
    });
    app.addHook('onListen', async () => {
      const timer = setInterval(() => refuseOverdue(endsAtMs), Math.min(limitMs, lookEveryMs)).unref();
      app.server.once('close', () => clearInterval(timer));
    });
  },
  { name: 'time-limit' },
);

/** An answer that has begun, or that a handler writes by itself, is left alone. */
function refuseOverdue(endsAtMs: Map<FastifyReply, number>): void {
  const now = performance.now();
  for (const [reply, at] of endsAtMs) {
    if (at > now) return;
    endsAtMs.delete(reply);
    if (!reply.sent && !reply.raw.headersSent)
      reply.send(unavailable('service.timeout', 'The request took too long.'));
  }
}
