import { AppError, unavailable } from '../errors.ts';

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
