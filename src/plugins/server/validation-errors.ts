import type { FastifySchemaValidationError } from 'fastify';
import { AppError, type FieldError } from '../../kernel/errors.ts';
import { toPointer } from '../../kernel/http/pointer.ts';

/** Enough to repair a request with; a caller's own names may be long, so pointers are cut. */
const maxErrors = 20;
const maxPointerLength = 200;

/** Branches of a choice say nothing of their own, and "must be null" is not what a caller who sent an object means. */
const isNoise = ({ keyword, params }: FastifySchemaValidationError): boolean =>
  ['anyOf', 'oneOf', 'if'].includes(keyword) || (keyword === 'type' && params.type === 'null');

function pointerOf({ keyword, instancePath, params }: FastifySchemaValidationError): string {
  const child = keyword === 'required' ? params.missingProperty : params.additionalProperty;
  return typeof child === 'string' ? instancePath + toPointer([child]) : instancePath;
}

function detailOf({ keyword, params, message }: FastifySchemaValidationError): string {
  switch (keyword) {
    case 'required':
      return 'is required';
    case 'additionalProperties':
      return 'is unknown here';
    case 'enum':
      return `must be one of ${[params.allowedValues].flat().map(String).join(', ')}`;
    case 'type':
      return `must be ${[params.type].flat().join(' or ')}`;
    case 'format':
      return `must be a valid ${String(params.format)}`;
    default:
      return message ?? 'is invalid';
  }
}

/**
 * 400 `request.invalid` from the faults that AJV found, one for each place: a JSON pointer for a body
 * (`/gpus/0/foo`), the name for a parameter or header (`limit`).
 */
export function fromValidation(faults: readonly FastifySchemaValidationError[], part: string): AppError {
  const telling = faults.filter((fault) => !isNoise(fault));
  const byPointer = new Map<string, string>();
  for (const fault of telling.length > 0 ? telling : faults) {
    const pointer = pointerOf(fault).slice(0, maxPointerLength);
    const place = part === 'body' ? pointer : pointer.slice(1);
    if (!byPointer.has(place)) byPointer.set(place, detailOf(fault));
    if (byPointer.size === maxErrors) break;
  }
  const errors: FieldError[] = [...byPointer].map(([pointer, detail]) => ({ pointer, detail }));
  return new AppError(400, 'request.invalid', summary(errors), { errors });
}

function summary([first, ...others]: readonly FieldError[]): string {
  if (!first) return 'The request is invalid.';
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  return `${first.pointer.replace(/^\//, '') || 'The body'}: ${first.detail}${more}`;
}
