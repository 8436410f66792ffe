import { METHODS } from 'node:http';
import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify';
import fp from 'fastify-plugin';
import type { AppError } from '../kernel/errors.ts';
import { methodNotAllowed as refuseMethod, routeNotFound } from '../kernel/http/http-errors.ts';

const methodsOf = (app: FastifyInstance, url: string): string[] =>
  METHODS.filter((method) => app.findRoute({ method: method as HTTPMethods, url }) !== null);

function refusal(app: FastifyInstance, request: FastifyRequest): AppError {
  const allowed = methodsOf(app, request.url);
  if (allowed.length === 0 || allowed.includes(request.method)) return routeNotFound();
  return refuseMethod(request.method, allowed);
}

/**
 * Answers what matches no route: 404, or 405 with `Allow` where the path exists for another method (Fastify says 404
 * for both). Decided before the body is read, so that a bad body cannot hide it.
 */
export const methodNotAllowed = fp(
  async (app) => {
    app.addHook('onRequest', (request, _reply, done) => {
      done(request.is404 ? refusal(app, request) : undefined);
    });
    app.setNotFoundHandler((request) => {
      throw refusal(app, request);
    });
  },
  { name: 'method-not-allowed' },
);
