import type { FastifyRequest, FastifySchemaValidationError } from 'fastify';
import type { AppError } from '../kernel/errors.ts';
import { toPointer } from '../kernel/http/pointer.ts';
import { fromValidation } from './server/validation-errors.ts';

type Verdict = true | { error: FastifySchemaValidationError[] };
type Validate = (input: unknown) => Verdict;

const validatorOf = (request: FastifyRequest, schema: object) =>
  request.compileValidationSchema(schema, 'body') as unknown as Validate;

/** Turns the parameters into what the route takes: Fastify leaves them as text where the body is invalid. */
export const parsesQuery = (request: FastifyRequest): boolean =>
  (request.validateInput(request.query, 'querystring') as Verdict) === true;

/** Whether the body is as `schema` says; compiled once for the route. */
export const bodyIs = (request: FastifyRequest, schema: object): boolean =>
  validatorOf(request, schema)(request.body) === true;

/** By index, the 400 of each item of the body's list `name` that is not as `schema` says. */
export function itemFaults(
  request: FastifyRequest,
  name: string,
  items: readonly unknown[],
  schema: object,
): ReadonlyMap<number, AppError> {
  const validate = validatorOf(request, schema);
  const faults = new Map<number, AppError>();
  for (const [index, item] of items.entries()) {
    const verdict = validate(item);
    if (verdict === true) continue;
    const place = toPointer([name, index]);
    const found = verdict.error.map((fault) => ({ ...fault, instancePath: place + fault.instancePath }));
    faults.set(index, fromValidation(found, 'body'));
  }
  return faults;
}
