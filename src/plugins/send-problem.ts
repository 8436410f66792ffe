import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppError } from '../kernel/errors.ts';
import { renderProblem } from '../kernel/http/problem.ts';
import { shownPath } from '../kernel/http/shown-path.ts';

/** Answers a request with a problem document. */
export function sendProblem(error: AppError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const occurrence = { requestId: request.id, instance: shownPath(request.url) };
  const { status, headers, body } = renderProblem(error, occurrence);
  return reply.code(status).headers(headers).send(body);
}
