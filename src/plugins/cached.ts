import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Cache, CacheName } from '../kernel/cache/cache.ts';
import { formatEtag, matchesIfNoneMatch } from '../kernel/http/etag.ts';

/** Sends an answer that is printed already. */
export const sendPrinted = (reply: FastifyReply, text: string): FastifyReply =>
  reply.type('application/json; charset=utf-8').send(text);

/**
 * Answers a GET of one versioned object through the cache. What is kept is the printed answer behind its version
 * (`<version>\n<JSON>`): a hit is neither parsed nor printed. `load` rejects where there is no such object, and that is
 * not kept. Rights are checked before, by the route's permission; what only some callers may see does not belong here.
 */
export async function sendCached(
  cache: Cache,
  name: CacheName,
  request: FastifyRequest,
  reply: FastifyReply,
  load: () => Promise<{ version: number }>,
): Promise<FastifyReply> {
  const kept = await cache.readThroughText(name, async () => {
    const object = await load();
    return `${object.version}\n${reply.serialize(object)}`;
  });
  const end = kept.indexOf('\n');
  const version = Number(kept.slice(0, end));
  reply.header('etag', formatEtag(version));
  if (matchesIfNoneMatch(request.headers['if-none-match'], version)) return reply.code(304).send();
  return sendPrinted(reply, kept.slice(end + 1));
}
