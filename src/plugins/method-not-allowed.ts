import { METHODS } from 'node:http';
import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify';
import fp from 'fastify-plugin';
import type { AppError } from '../kernel/errors.ts';
import { methodNotAllowed as refuseMethod, routeNotFound } from '../kernel/http/http-errors.ts';

const pathOf = (url: string): string => url.split('?', 1)[0] ?? url;

/** The methods of the routes whose paths have no parameters, by path. */
type FixedRoutes = ReadonlyMap<string, readonly string[]>;

/** Of the routes that are registered from now on. */
function fixedRoutesOf(app: FastifyInstance): FixedRoutes {
  const methods = new Map<string, string[]>();
  app.addHook('onRoute', ({ url, method }) => {
    if (!/[:*]/.test(url)) methods.set(url, [...(methods.get(url) ?? []), method].flat());
  });
  return methods;
}

function methodsOf(app: FastifyInstance, fixed: FixedRoutes, url: string): string[] {
  const own = fixed.get(pathOf(url));
  return METHODS.filter((method) =>
    own ? own.includes(method) : app.findRoute({ method: method as HTTPMethods, url }) !== null,
  );
}

function refusal(app: FastifyInstance, fixed: FixedRoutes, request: FastifyRequest): AppError {
  const allowed = methodsOf(app, fixed, request.url);
  if (allowed.length === 0 || allowed.includes(request.method)) return routeNotFound();
  return refuseMethod(request.method, allowed);
}

/** Whether it came to a route with parameters by a path that has a name of its own. */
const isMisled = (fixed: FixedRoutes, { url, routeOptions }: FastifyRequest): boolean =>
  routeOptions.url?.includes(':') === true && fixed.has(pathOf(url));

/**
 * Answers what matches no route: 404, or 405 with `Allow` where the path exists for another method (Fastify says 404
 * for both). Decided before the body is read, so that a bad body cannot hide it. `/nodes/enroll` is no `/nodes/:id`,
 * whichever of the two has the method.
 */
export const methodNotAllowed = fp(
  async (app) => {
    const fixed = fixedRoutesOf(app);
    app.addHook('onRequest', (request, _reply, done) => {
      done(request.is404 || isMisled(fixed, request) ? refusal(app, fixed, request) : undefined);
    });
    app.setNotFoundHandler((request) => {
      throw refusal(app, fixed, request);
    });
  },
  { name: 'method-not-allowed' },
);
