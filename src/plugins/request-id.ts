import { randomUUID } from 'node:crypto';
import fp from 'fastify-plugin';

const acceptable = /^[A-Za-z0-9._-]{1,64}$/;
const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$/;

/** The caller's trace, of a W3C Trace Context `traceparent` header; null where it is absent or not valid. */
export function parseTraceparent(header: unknown): { traceId: string; parentId: string } | null {
  const [, traceId = '', parentId = ''] = traceparent.exec(String(header)) ?? [];
  const valid = /[1-9a-f]/.test(traceId) && /[1-9a-f]/.test(parentId) && !String(header).startsWith('ff');
  return valid ? { traceId, parentId } : null;
}

/**
 * Names every request: the caller's `X-Request-Id` where it is usable, else one of ours. It is sent back, written in
 * each line of the log next to the caller's trace id, and part of every problem document.
 */
export const requestId = fp(
  async (app) => {
    app.setGenReqId(({ headers }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && acceptable.test(given) ? given : randomUUID();
    });
    app.setChildLoggerFactory((logger, bindings, options, { headers }) => {
      const trace = headers.traceparent === undefined ? null : parseTraceparent(headers.traceparent);
      return logger.child(trace ? { ...bindings, ...trace } : bindings, options);
    });
    app.addHook('onRequest', (request, reply, done) => {
      reply.header('x-request-id', request.id);
      done();
    });
  },
  { name: 'request-id' },
);
