/** One fault of the input: `pointer` is a JSON pointer into the body (`/gpus/3/uuid`) or the name of a parameter. */
export interface FieldError {
  pointer: string;
  detail: string;
}

interface AppErrorOptions {
  errors?: FieldError[];
  /** Further members of the problem document, such as `explain` or `gpuIds`. */
  members?: Record<string, unknown>;
  headers?: Record<string, string>;
  cause?: unknown;
}

/**
 * An error that callers are meant to see. `code` (`module.reason`) is stable and documented in `docs/errors.md`,
 * `message` is the client's `detail`, `cause` is for our logs alone. It becomes an RFC 9457 problem document in
 * one place, `plugins/problem.ts`.
 */
export class AppError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: FieldError[];
  readonly members: Record<string, unknown>;
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, detail: string, options: AppErrorOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = 'AppError';
    this.status = status;
    this.code = code;
    this.errors = options.errors ?? [];
    this.members = options.members ?? {};
    this.headers = options.headers ?? {};
  }
}

/** 400: the request is malformed; `pointer` names the field. */
export const invalid = (pointer: string, detail: string): AppError =>
  new AppError(400, 'request.invalid', `${pointer.replace(/^\//, '')}: ${detail}`, {
    errors: [{ pointer, detail }],
  });

/** 404: unknown, or somebody else's. The two must not be told apart. */
export const notFound = (resource: string): AppError =>
  new AppError(404, `${resource}.not_found`, `No such ${resource.replaceAll('_', ' ')}.`);

/** 403: the caller's role lacks the right. */
export const forbidden = (detail: string): AppError => new AppError(403, 'auth.forbidden', detail);

/** 412: the object has moved on; the current version travels as the ETag. */
export const versionConflict = (current: number): AppError =>
  new AppError(412, 'request.version_conflict', `The current version is ${current}.`, {
    headers: { etag: `"${current}"` },
    members: { currentVersion: current },
  });

/** 503: something that we depend on is away; the caller may try again after `retryAfterS` seconds. */
export const unavailable = (code: string, detail: string, retryAfterS = 1, cause?: unknown): AppError =>
  new AppError(503, code, detail, { headers: { 'retry-after': String(retryAfterS) }, cause });
