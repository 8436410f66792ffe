import { STATUS_CODES } from 'node:http';
import type { AppError } from '../errors.ts';

export const problemMediaType = 'application/problem+json';

/** Where the codes are described; `type` is this page with the code as its fragment. */
export const errorPage = '/docs/errors';

/** Headers that the status asks for, where the error brought none: RFC 6750, RFC 9110 section 10.2.3. */
const headersOfStatus: Readonly<Record<number, Record<string, string>>> = {
  401: { 'www-authenticate': 'Bearer' },
  429: { 'retry-after': '1' },
  503: { 'retry-after': '1' },
};

/** Which request failed; `instance` is its path without the query string, which may hold what nobody should keep. */
export interface Occurrence {
  requestId: string;
  instance?: string;
}

/** An error as it goes over the wire (RFC 9457). */
export interface ProblemReply {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** The problem document of an error: `type, title, status, detail, instance, code, requestId, errors`. */
export const problemDocument = (error: AppError, { requestId, instance }: Occurrence) => ({
  type: `${errorPage}#${error.code}`,
  title: STATUS_CODES[error.status] ?? 'Error',
  status: error.status,
  detail: error.message,
  ...(instance !== undefined && { instance }),
  code: error.code,
  requestId,
  ...(error.errors.length > 0 && { errors: error.errors }),
  ...error.members,
});

/** Renders the problem document of an error with the headers that go with it. */
export function renderProblem(error: AppError, occurrence: Occurrence): ProblemReply {
  const document = problemDocument(error, occurrence);
  return {
    status: error.status,
    headers: {
      'content-type': problemMediaType,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': occurrence.requestId,
      ...headersOfStatus[error.status],
      ...error.headers,
    },
    // Bytes, since Fastify would add a charset to a text and the media type has none.
    body: Buffer.from(JSON.stringify(document)),
  };
}
