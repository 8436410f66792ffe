import type { FastifyError, FastifySchemaValidationError } from 'fastify';
import { AppError } from '../../kernel/errors.ts';
import { malformed, unsupportedMediaType } from '../../kernel/http/http-errors.ts';
import { fromValidation } from './validation-errors.ts';

const byCode: Readonly<Record<string, (method: string) => AppError>> = {
  FST_ERR_BAD_URL: () => malformed('The path is not percent-encoded UTF-8.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => malformed('The body is not as long as Content-Length says.'),
  FST_ERR_CTP_BODY_TOO_LARGE: () => new AppError(413, 'request.body_too_large', 'The body is too large.'),
  FST_ERR_MAX_PARAM_LENGTH: () =>
    new AppError(414, 'request.uri_too_long', 'A part of the path is too long.'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: (method) => unsupportedMediaType(method, 'The body must be JSON.'),
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
