import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Page } from '../kernel/db/list.ts';
import { sendPrinted } from './cached.ts';

/** 201 with the address of what was made. */
export function created<Body>(reply: FastifyReply, location: string, body: Body): Body {
  reply.code(201).header('location', location);
  return body;
}

/** 204: done, nothing to say. */
export const noContent = (reply: FastifyReply): FastifyReply => reply.code(204).send();

/** A page of a list, with the address of the next one (RFC 8288). */
export function page<Item>(request: FastifyRequest, reply: FastifyReply, result: Page<Item>): Page<Item> {
  if (result.nextCursor !== null) {
    const next = new URL(request.url, 'http://localhost');
    next.searchParams.set('cursor', result.nextCursor);
    reply.header('link', `<${next.pathname}${next.search}>; rel="next"`);
  }
  return result;
}

/** The same of items that are printed already. */
export function printedPage(
  request: FastifyRequest,
  reply: FastifyReply,
  result: Page<string>,
): FastifyReply {
  const { items, nextCursor } = page(request, reply, result);
  return sendPrinted(reply, `{"items":[${items.join()}],"nextCursor":${JSON.stringify(nextCursor)}}`);
}
