import { at, isRecord } from './values.ts';

/** The most that we let a `Retry-After` make us wait. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

const PASSING = new Set([408, 425, 429]);

interface ServiceErrorOptions {
  /** HTTP status, `null` when no answer came. */
  status: number | null;
  /** Stable code of the problem document, or `client.…` for what we found ourselves. */
  code: string;
  retryAfterMs?: number;
  cause?: unknown;
}

/** The service refused a request, failed, or could not be reached. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly status: number | null;
  readonly code: string;
  readonly retryAfterMs: number;

  constructor(message: string, options: ServiceErrorOptions) {
    super(message, { cause: options.cause });
    this.status = options.status;
    this.code = options.code;
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }

  /** Worth another try: the same request may be answered well later. */
  get retryable(): boolean {
    return (
      this.status === null ||
      this.status >= 500 ||
      PASSING.has(this.status) ||
      this.code === 'idempotency.in_progress'
    );
  }

  /** The key is not, or no longer, good for this node: only a person can help. */
  get keyRefused(): boolean {
    return this.status === 401 || this.status === 403 || this.status === 404;
  }
}

/** Reads a refusal: RFC 9457 problem documents, and the plain pages of proxies in between. `now` in epoch ms. */
export function refusal(status: number, headers: Headers, body: string, now: number): ServiceError {
  const problem = problemOf(body);
  const detail = at(problem, 'detail') ?? at(problem, 'title');
  const code = at(problem, 'code');
  const requestId = headers.get('x-request-id');
  const text = typeof detail === 'string' ? detail : `The service answered ${status}.`;
  return new ServiceError(requestId ? `${text} (request ${requestId})` : text, {
    status,
    code: typeof code === 'string' ? code : `http.${status}`,
    retryAfterMs: retryAfterMs(headers.get('retry-after'), now),
  });
}

/** `Retry-After` is a number of seconds or an HTTP date (RFC 9110, section 10.2.3). */
export function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  const wait = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(wait) ? 0 : Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, wait));
}

function problemOf(body: string): Record<string, unknown> {
  try {
    const problem: unknown = JSON.parse(body);
    return isRecord(problem) ? problem : {};
  } catch {
    return {};
  }
}
