import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

export interface CorsOptions {
  /** Origins whose pages may call; `*` lets any in, none turns CORS off. */
  origins: readonly string[];
}

/** Headers that a page may read, beside those that browsers always show. */
const exposed = [
  'ETag',
  'Idempotency-Replayed',
  'Link',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'X-Request-Id',
].join(', ');

const preflight = {
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers':
    'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id, traceparent',
  'access-control-max-age': '600',
} as const;

const isPreflight = ({ method, headers }: FastifyRequest): boolean =>
  method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;

/**
 * Lets browsers call from pages of other origins (Fetch standard, "CORS protocol"). Keys travel in `Authorization` and
 * never in cookies, so there are no credentials to allow. Off unless `CORS_ORIGIN` names origins.
 */
export const cors = fp<CorsOptions>(
  async (app, { origins }) => {
    if (origins.length === 0) return;
    const allowsAll = origins.includes('*');
    app.addHook('onRequest', async (request, reply) => {
      const { origin } = request.headers;
      if (!allowsAll) reply.header('vary', 'Authorization, Origin');
      if (origin === undefined || !(allowsAll || origins.includes(origin))) return;
      reply.header('access-control-allow-origin', allowsAll ? '*' : origin);
      if (isPreflight(request)) return reply.code(204).headers(preflight).send();
      reply.header('access-control-expose-headers', exposed);
    });
  },
  { name: 'cors', dependencies: ['security-headers'] },
);
