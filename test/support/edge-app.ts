import { type IncomingHttpHeaders, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { pino } from 'pino';
import { cors } from '../../src/plugins/cors.ts';
import { jsonParser } from '../../src/plugins/json-parser.ts';
import { methodNotAllowed } from '../../src/plugins/method-not-allowed.ts';
import { type ProblemOptions, problem } from '../../src/plugins/problem.ts';
import { requestId } from '../../src/plugins/request-id.ts';
import { type SecurityHeadersOptions, securityHeaders } from '../../src/plugins/security-headers.ts';
import { type App, createServer, type ServerOptions } from '../../src/plugins/server/server.ts';
import { strictRequest } from '../../src/plugins/strict-request.ts';
import { timeLimit } from '../../src/plugins/time-limit.ts';

interface EdgeOptions extends Partial<ServerOptions>, ProblemOptions, SecurityHeadersOptions {
  corsOrigins?: readonly string[];
  /** Milliseconds that an answer may take. */
  limitMs?: number;
  /** Receives each line of the log, parsed. */
  onLog?: (line: Record<string, unknown>) => void;
}

/** The HTTP edge without any route of the product: server, error mapping, parsers and guards. */
export async function edgeApp({
  onLog,
  toAppError,
  tls = false,
  corsOrigins = [],
  limitMs,
  ...server
}: EdgeOptions = {}): Promise<App> {
  const logger = onLog
    ? pino({ level: 'debug' }, { write: (line: string) => onLog(JSON.parse(line)) })
    : pino({ level: 'silent' });
  const app = createServer({ logger, ...server });
  await app.register(requestId);
  await app.register(securityHeaders, { tls });
  await app.register(cors, { origins: corsOrigins });
  await app.register(problem, toAppError ? { toAppError } : {});
  await app.register(timeLimit, limitMs === undefined ? {} : { limitMs });
  await app.register(strictRequest);
  await app.register(methodNotAllowed);
  await app.register(jsonParser);
  return app;
}

const portOf = (app: App): number => (app.server.address() as AddressInfo).port;

export interface Call {
  method?: string;
  url: string;
  headers?: Record<string, string>;
  /** An object is sent as JSON; text and bytes as they are. */
  payload?: object | string | Buffer;
}

export interface Answer {
  statusCode: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Makes one request over a socket of its own; the app listens on a free port from the first call on. */
export async function send(app: App, call: Call | string): Promise<Answer> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' });
  const { method = 'GET', url, headers = {}, payload } = typeof call === 'string' ? { url: call } : call;
  const isRaw = payload === undefined || typeof payload === 'string' || Buffer.isBuffer(payload);
  const body = isRaw ? payload : JSON.stringify(payload);
  const type = isRaw ? {} : { 'content-type': 'application/json' };
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const options = {
      port: portOf(app),
      method,
      path: url,
      headers: { ...type, ...length, ...headers },
      agent: false,
    };
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          statusCode: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Opens a connection, sends bytes as they are, and collects what comes back until the other side closes it. */
export async function openSocket(app: App, bytes: string | Buffer) {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' });
  const socket = connect(portOf(app), '127.0.0.1', () => socket.write(bytes));
  const received = new Promise<string>((resolve, reject) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', (error) => (chunks.length > 0 ? undefined : reject(error)));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
  return { socket, received };
}

/** Sends bytes as they are and reads until the other side closes the connection. */
export const sendRaw = async (app: App, bytes: string | Buffer): Promise<string> =>
  (await openSocket(app, bytes)).received;
