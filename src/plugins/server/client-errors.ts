import { randomUUID } from 'node:crypto';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../../kernel/errors.ts';
import { malformed } from '../../kernel/http/http-errors.ts';
import { renderProblem } from '../../kernel/http/problem.ts';

/** A failed connection, as Node describes it in `clientError`. */
export interface ConnectionFault extends Error {
  code?: string;
}

function toAppError({ code }: ConnectionFault): AppError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new AppError(431, 'request.headers_too_large', 'The headers are too large.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new AppError(408, 'request.timeout', 'The request did not arrive in time.');
  return malformed('This is not HTTP/1.1.');
}

/** Node's own handler checks the same private field: a started response must not be written into. */
const hasStarted = (socket: Socket & { _httpMessage?: ServerResponse | null }): boolean =>
  socket._httpMessage?.headersSent === true;

/** Writes a problem document straight to a socket that no request could be read from, and closes it. */
export function endWithProblem(socket: Socket, error: AppError): void {
  const { status, headers, body } = renderProblem(error, { requestId: randomUUID() });
  const fields = { ...headers, 'content-length': body.length, connection: 'close' };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  socket.destroySoon();
}

/** Answers what Node's parser refused: bad bytes, smuggling attempts, large headers, slow requests. */
export function handleClientError(fault: ConnectionFault, socket: Socket): void {
  if (fault.code === 'ECONNRESET' || !socket.writable || hasStarted(socket)) {
    socket.destroy(fault);
    return;
  }
  endWithProblem(socket, toAppError(fault));
}
