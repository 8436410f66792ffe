import type { FastifyError, FastifySchemaValidationError } from 'fastify';
import { AppError, unavailable } from '../errors.ts';
import { fromValidation } from './validation-errors.ts';

/** 400: not HTTP as we read it; there is no field to name. */
export const malformed = (detail: string): AppError => new AppError(400, 'request.malformed', detail);

/** 400: the body is not JSON. */
export const invalidJson = (detail: string): AppError => new AppError(400, 'request.invalid_json', detail);

/** 404: no such route. */
export const routeNotFound = (): AppError => new AppError(404, 'request.route_not_found', 'No such route.');

/** 405: the path exists, for other methods. */
export const methodNotAllowed = (method: string, allowed: readonly string[]): AppError =>
  new AppError(405, 'request.method_not_allowed', `${method} is not allowed here.`, {
    headers: { allow: allowed.join(', ') },
  });

/** 406: the caller accepts nothing that the route makes. */
export const notAcceptable = (produced: readonly string[]): AppError =>
  new AppError(406, 'request.not_acceptable', `This route answers with ${produced.join(', ')}.`);

const accepted: Readonly<Record<string, Record<string, string>>> = {
  POST: { 'accept-post': 'application/json' },
  PATCH: { 'accept-patch': 'application/merge-patch+json, application/json' },
};

/** 415, with what is accepted instead (RFC 9110 section 15.5.16; `Accept-Patch` RFC 5789). */
export const unsupportedMediaType = (method: string, detail: string): AppError =>
  new AppError(415, 'request.unsupported_media_type', detail, {
    headers: accepted[method] ?? { accept: 'application/json' },
  });

/** 503 while the service closes down. */
export const stopping = (): AppError => unavailable('service.stopping', 'The service is shutting down.');

const byCode: Readonly<Record<string, (method: string) => AppError>> = {
  FST_ERR_BAD_URL: () => malformed('The path is not percent-encoded UTF-8.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => malformed('The body is not as long as Content-Length says.'),
  FST_ERR_CTP_BODY_TOO_LARGE: () => new AppError(413, 'request.body_too_large', 'The body is too large.'),
  FST_ERR_MAX_PARAM_LENGTH: () =>
    new AppError(414, 'request.uri_too_long', 'A part of the path is too long.'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: (method) => unsupportedMediaType(method, 'The body must be JSON.'),
  FST_ERR_HANDLER_TIMEOUT: () => unavailable('service.timeout', 'The request took too long.'),
  ECONNRESET: () => malformed('The connection was closed before the body was complete.'),
};

interface ValidationFailure {
  validation: readonly FastifySchemaValidationError[];
  validationContext?: string;
}

const isValidationFailure = (error: object): error is ValidationFailure =>
  'validation' in error && Array.isArray(error.validation);

/** The errors that Fastify itself raises; null for anything else. */
export function fromFastify(error: unknown, method: string): AppError | null {
  if (!(error instanceof Error)) return null;
  if (isValidationFailure(error)) return fromValidation(error.validation, error.validationContext ?? 'body');
  const { code } = error as Partial<FastifyError>;
  return byCode[code ?? '']?.(method) ?? null;
}
