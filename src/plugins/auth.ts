import type { FastifyRequest, RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import type { Principal, RequestContext } from '../kernel/context.ts';
import { AppError } from '../kernel/errors.ts';
import type { FailureLimiter } from '../kernel/rates/failure-limiter.ts';
import { rateLimited } from './rate-limit.ts';

/** The access module's part of the plugin; a plugin imports no module. */
export interface Access {
  /** Who is calling, where that is remembered: most requests then wait for nothing. */
  recall(request: FastifyRequest): Principal | null;
  /** Throws 401 for anything but a usable key. */
  authenticate(request: FastifyRequest): Promise<Principal>;
  /** Throws 403 where the role or the key's scopes lack the permission. */
  authorize(principal: Principal, permission: string): void;
  isPermission(name: string): boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller must be allowed to do; every route has either this or `public`. */
    permission?: string;
    /** Works without a key. */
    public?: boolean;
  }
  interface FastifyRequest {
    /** Who is calling and for what; set before validation on every route that is not public. */
    ctx: RequestContext;
  }
}

export const anonymous: Principal = {
  keyId: '',
  role: 'viewer',
  providerId: null,
  nodeId: null,
  tenantId: null,
  scopes: [],
};

/** Deny by default: a route that declares neither a permission nor `public` stops the service from starting. */
function checkDeclaration({ method, url, config }: RouteOptions, access: Access): void {
  if (config?.public || method === 'HEAD' || method === 'OPTIONS') return;
  if (!config?.permission) throw new Error(`${String(method)} ${url} declares no permission`);
  if (!access.isPermission(config.permission)) throw new Error(`${url}: no permission ${config.permission}`);
}

interface AuthOptions {
  access: Access;
  /** Counts bad keys by address; null sets no limit. */
  failures: FailureLimiter | null;
}

async function authenticate({ access, failures }: AuthOptions, request: FastifyRequest): Promise<Principal> {
  try {
    return await access.authenticate(request);
  } catch (error) {
    const resetMs = error instanceof AppError && error.status === 401 ? failures?.fail(request.ip) : null;
    throw resetMs ? rateLimited('Too many bad API keys from this address.', resetMs) : error;
  }
}

export const authPlugin = fp<AuthOptions>(
  async (app, options) => {
    const { access } = options;
    app.decorateRequest('ctx');
    app.addHook('onRoute', (route) => checkDeclaration(route, access));
    app.addHook('onRequest', (request, _reply, done) => {
      const { permission } = request.routeOptions.config;
      const allowed = (principal: Principal) => {
        if (permission) access.authorize(principal, permission);
        return principal;
      };
      const enter = (principal: Principal) => {
        request.ctx = {
          principal,
          requestId: request.id,
          idempotency: null,
          log: request.log as RequestContext['log'],
        };
        done();
      };
      const known = permission ? access.recall(request) : anonymous;
      if (known) enter(allowed(known));
      else authenticate(options, request).then(allowed).then(enter, done);
    });
  },
  { name: 'auth' },
);
