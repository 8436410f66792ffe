import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  fastify,
  type RawServerDefault,
} from 'fastify';
import { AppError } from '../../kernel/errors.ts';
import { malformed, methodNotAllowed } from '../../kernel/http/http-errors.ts';
import { parseQuery } from '../../kernel/http/query.ts';
import { sendProblem } from '../send-problem.ts';
import { AccessLog } from './access-log.ts';
import { endWithProblem, handleClientError } from './client-errors.ts';
import { fromFastify } from './fastify-errors.ts';
import { serializerFactory } from './serializer.ts';
import { validatorFactory } from './validator.ts';

/** The application as plugins and routes see it: schemas are TypeBox. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A health probe: answered whatever the load, the caller's rate and what it accepts. */
    probe?: boolean;
  }
}

export interface ServerOptions {
  logger: FastifyBaseLogger;
  /** Addresses and CIDR ranges whose `X-Forwarded-*` is believed; none by default. */
  trustProxy?: readonly string[];
  /** Bytes of a body; routes of batches raise it. */
  bodyLimit?: number;
  /** Milliseconds for headers, and for the whole request: what a slow sender may hold a socket for. */
  headersTimeoutMs?: number;
  requestTimeoutMs?: number;
  /** Milliseconds of silence after which a socket is dropped; longer than the pause between two stream events. */
  connectionTimeoutMs?: number;
  /** Milliseconds that an idle socket is kept; behind a proxy longer than the proxy keeps it. */
  keepAliveTimeoutMs?: number;
}

const defaults = {
  bodyLimit: 262_144,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  connectionTimeoutMs: 15_000,
} as const;

const frameworkErrors: NonNullable<FastifyServerOptions['frameworkErrors']> = (error, request, reply) => {
  sendProblem(
    fromFastify(error, request.method) ?? malformed('The request cannot be routed.'),
    request,
    reply,
  );
};

/**
 * Makes the bare HTTP server: limits, time-outs, validation and the answers to what never becomes a request. It has
 * no routes, hooks or plugins. During a shutdown requests still reach the hooks (`strict-request.ts` refuses them),
 * because Fastify's own answer is no problem document.
 */
export function createServer(options: ServerOptions): App {
  const { logger, trustProxy = [], ...given } = options;
  const limits = { ...defaults, keepAliveTimeoutMs: trustProxy.length > 0 ? 65_000 : 5_000, ...given };
  const app = fastify({
    loggerInstance: logger,
    logController: new AccessLog(logger),
    trustProxy: trustProxy.length > 0 ? [...trustProxy] : false,
    bodyLimit: limits.bodyLimit,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.connectionTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    maxRequestsPerSocket: 1_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    http: {
      headersTimeout: limits.headersTimeoutMs,
      maxHeaderSize: 16_384,
      connectionsCheckingInterval: 1_000,
      requireHostHeader: false,
    },
    routerOptions: { caseSensitive: true, maxParamLength: 128, querystringParser: parseQuery },
    schemaController: {
      compilersFactory: { buildValidator: validatorFactory(), buildSerializer: serializerFactory() },
    },
    frameworkErrors,
    clientErrorHandler: handleClientError,
  });
  answerOddRequests(app);
  return app.withTypeProvider<TypeBoxTypeProvider>();
}

/** `CONNECT` and unknown expectations never reach a router; Node would answer them with an empty body. */
function answerOddRequests({ server }: Pick<App, 'server'>): void {
  server.on('connect', (_request: IncomingMessage, socket: Socket) =>
    endWithProblem(socket, methodNotAllowed('CONNECT', [])),
  );
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const { socket } = response;
    const refusal = new AppError(417, 'request.expectation_failed', 'Only 100-continue can be expected.');
    if (socket) endWithProblem(socket, refusal);
  });
}
