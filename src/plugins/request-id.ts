import { randomUUID } from 'node:crypto';
import fp from 'fastify-plugin';
import { parseTraceparent } from '../kernel/http/traceparent.ts';

const acceptable = /^[A-Za-z0-9._-]{1,64}$/;
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
      const trace = parseTraceparent(headers.traceparent);
      return logger.child(trace ? { ...bindings, ...trace } : bindings, options);
    });
    app.addHook('onRequest', (request, reply, done) => {
      reply.header('x-request-id', request.id);
      done();
    });
  },
  { name: 'request-id' },
);
