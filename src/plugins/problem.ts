import fp from 'fastify-plugin';
import { AppError } from '../kernel/errors.ts';
import { Problem } from '../kernel/http/schemas.ts';
import { sendProblem } from './send-problem.ts';
import { fromFastify } from './server/fastify-errors.ts';

export interface ProblemOptions {
  /** Knows the errors of the database; null for anything that it does not know. */
  toAppError?: (error: unknown) => AppError | null;
}

/** 500 without a word about the cause, which is logged under the request's id. */
const internal = (cause: unknown): AppError =>
  new AppError(500, 'internal', 'Something went wrong on our side.', { cause });

/** The one place where an error of any kind becomes an answer: `application/problem+json` (RFC 9457). */
export const problem = fp<ProblemOptions>(
  async (app, { toAppError = () => null }) => {
    app.addSchema(Problem);
    app.setErrorHandler((error, request, reply) => {
      const known =
        error instanceof AppError ? error : (fromFastify(error, request.method) ?? toAppError(error));
      const answer = known ?? internal(error);
      // A load balancer that asks every second need not fill the log with what /ready says.
      if (answer.status >= 500 && !request.routeOptions.config.probe)
        request.log[known ? 'warn' : 'error']({ err: error, code: answer.code }, 'failed');
      return sendProblem(answer, request, reply);
    });
  },
  { name: 'problem' },
);
