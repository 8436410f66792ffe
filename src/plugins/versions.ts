import fp from 'fastify-plugin';
import { AppError } from '../kernel/errors.ts';
import { formatEtag, type IfMatch, matchesIfNoneMatch, parseIfMatch } from '../kernel/http/etag.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The versions that the caller will change; null: whatever there is (actions without If-Match). */
    ifMatch: IfMatch | null;
  }
}

const versionOf = (payload: unknown): number | null => {
  const version = (payload as { version?: unknown } | null)?.version;
  return typeof version === 'number' ? version : null;
};

/**
 * Optimistic concurrency (RFC 9110 section 13): every object with a `version` is sent with `ETag: "<version>"`, a GET
 * with a matching If-None-Match answers 304, PATCH and DELETE must say by If-Match what they were made for (428).
 */
export const versionsPlugin = fp(
  async (app) => {
    app.decorateRequest('ifMatch', null);
    app.addHook('preHandler', (request, _reply, done) => {
      request.ifMatch = parseIfMatch(request.headers['if-match']);
      if (request.ifMatch === null && (request.method === 'PATCH' || request.method === 'DELETE')) {
        throw new AppError(
          428,
          'request.precondition_required',
          'Send If-Match: "<version>" with this request.',
        );
      }
      done();
    });
    app.addHook('preSerialization', (request, reply, payload, done) => {
      const version = versionOf(payload);
      if (version === null || reply.statusCode >= 300) return done(null, payload);
      reply.header('etag', formatEtag(version));
      const reads = request.method === 'GET' || request.method === 'HEAD';
      const fresh = reads && matchesIfNoneMatch(request.headers['if-none-match'], version);
      if (fresh) reply.code(304);
      done(null, fresh ? null : payload);
    });
  },
  { name: 'versions' },
);
