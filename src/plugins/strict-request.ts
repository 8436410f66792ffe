import type {} from '@fastify/swagger';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { type TObject, Type } from 'typebox';
import { type AppError, invalid } from '../kernel/errors.ts';
import { accepts } from '../kernel/http/accept.ts';
import { malformed, notAcceptable, stopping, unsupportedMediaType } from '../kernel/http/http-errors.ts';
import { queryFault } from '../kernel/http/query.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Media types that a route answers with, where it is not JSON. */
    produces?: readonly string[];
  }
}

const json = ['application/json'] as const;

function malformedFault({ raw, query }: FastifyRequest): AppError | null {
  if (raw.httpVersion === '1.1' && raw.headers.host === undefined)
    return malformed('The Host header is missing.');
  if (/^[^?]*%00/.test(raw.url ?? '')) return malformed('The path must not hold a NUL character.');
  const fault = queryFault(query);
  return fault ? invalid(fault.pointer, fault.detail) : null;
}

function contentFault({ method, headers, is404, routeOptions }: FastifyRequest): AppError | null {
  const encoding = headers['content-encoding'];
  const hasBody = method !== 'GET' && method !== 'HEAD';
  if (hasBody && encoding !== undefined && encoding.toLowerCase() !== 'identity')
    return unsupportedMediaType(method, 'The body must not be encoded.');
  const { probe, produces = json } = routeOptions.config;
  const isFree = is404 || probe || routeOptions.schema?.hide;
  return isFree || accepts(headers.accept, produces) ? null : notAcceptable(produces);
}

/**
 * What every request must satisfy before anybody looks at it: a Host, a readable path and query string, no encoded
 * body, an `Accept` that the route can serve, no parameter that its query schema leaves out (a schema that cannot list
 * all of them says `additionalProperties: true`, and a parser behind it refuses the rest). Once the application closes,
 * what still arrives on open connections gets a 503.
 */
export const strictRequest = fp(
  async (app) => {
    let closing = false;
    app.addHook('preClose', async () => {
      closing = true;
    });
    app.addHook('onRoute', (route) => {
      if (route.schema?.hide) return;
      const given = (route.schema?.querystring as TObject | undefined) ?? Type.Object({});
      route.schema = { ...route.schema, querystring: { additionalProperties: false, ...given } };
    });
    app.addHook('onRequest', (request, _reply, done) => {
      const fault = closing ? stopping() : (malformedFault(request) ?? contentFault(request));
      done(fault ?? undefined);
    });
  },
  { name: 'strict-request' },
);
