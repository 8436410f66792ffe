import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { AppError } from '../kernel/errors.ts';
import { invalidJson, unsupportedMediaType } from '../kernel/http/http-errors.ts';
import { parseStrictJson } from '../kernel/http/strict-json.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** An action: `{}`, an empty body and no body at all mean the same. */
    emptyBody?: boolean;
  }
}

const mergePatch = 'application/merge-patch+json';

const takesEmptyBody = (request: FastifyRequest): boolean => request.routeOptions.config.emptyBody === true;

/** What speaks against a JSON body's content type, or null: a charset other than UTF-8, a patch that is no PATCH. */
function typeFault({ method, headers }: FastifyRequest): AppError | null {
  const type = headers['content-type'] ?? '';
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset))
    return unsupportedMediaType(method, 'The body must be UTF-8.');
  if (method !== 'PATCH' && type.toLowerCase().startsWith(mergePatch))
    return unsupportedMediaType(method, `${mergePatch} is for PATCH.`);
  return null;
}

type Done = (error: Error | null, body?: unknown) => void;

/** By callback: a promise for each body costs as much as parsing it. */
function parse(request: FastifyRequest, body: Buffer, done: Done): void {
  let value: unknown;
  try {
    value = read(request, body);
  } catch (error) {
    done(error as Error);
    return;
  }
  done(null, value);
}

function read(request: FastifyRequest, body: Buffer): unknown {
  if (body.length === 0) {
    if (takesEmptyBody(request)) return {};
    throw invalidJson('The body is empty.');
  }
  const fault = typeFault(request);
  if (fault) throw fault;
  return parseStrictJson(body);
}

/** Reads JSON bodies, and nothing else, by the rules of `strict-json.ts`. */
export const jsonParser = fp(
  async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser<Buffer>(
      ['application/json', mergePatch],
      { parseAs: 'buffer' },
      (request, body, done) => parse(request, body, done),
    );
    // Not read at all: only the length tells an action's empty form body from a body in another format.
    app.addContentTypeParser('*', async (request: FastifyRequest) => {
      if (takesEmptyBody(request) && request.headers['content-length'] === '0') return {};
      throw unsupportedMediaType(request.method, 'The body must be JSON.');
    });
    app.addHook('preValidation', (request, _reply, done) => {
      if (request.body === undefined && takesEmptyBody(request)) request.body = {};
      done();
    });
  },
  { name: 'json-parser' },
);
