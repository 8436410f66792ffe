import { createHash, hkdfSync } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { canonicalJson } from '../kernel/canonical-json.ts';
import type { IdempotencyRequest, Principal } from '../kernel/context.ts';
import { invalid } from '../kernel/errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The reply shows a secret once: its kept copy can be opened with the caller's own API key only. */
    secretReply?: boolean;
  }
}

/** What a key belongs to: two keys of one tenant share their idempotency, two tenants never do. */
const ownerOf = ({ role, tenantId, nodeId, providerId, keyId }: Principal, address: string): string =>
  `${role}:${tenantId ?? nodeId ?? providerId ?? (role === 'operator' ? '' : keyId || address)}`;

const sha256 = (...parts: string[]): Buffer =>
  createHash('sha256')
    .update(parts.map((part) => `${part.length}:${part}`).join(''))
    .digest();

/** `"quoted"` (a structured string) and bare keys are one. */
function readKey(header: string | string[]): string {
  const text = Array.isArray(header) ? header.join() : header;
  const key = /^"(.*)"$/.exec(text)?.[1] ?? text;
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw invalid('Idempotency-Key', 'must be 1 to 255 visible ASCII characters');
  return key;
}

function prepare(request: FastifyRequest, key: string): IdempotencyRequest {
  const { url, config } = request.routeOptions;
  const body = canonicalJson(request.body);
  const secret = config.secretReply ? (request.headers.authorization ?? '') : '';
  return {
    id: sha256(ownerOf(request.ctx.principal, request.ip), `${request.method} ${url}`, key),
    fingerprint: sha256(request.method, request.url, body),
    sealKey: Buffer.from(hkdfSync('sha256', secret + body, key, 'idempotent reply', 32)),
    replayed: false,
  };
}

/**
 * Idempotency-Key on every POST (IETF draft-ietf-httpapi-idempotency-key-header; Stripe's rules: only acknowledged
 * replies are kept, an error frees the key). Here the request is prepared; the write claims the key in its own
 * transaction (`kernel/db/idempotency.ts`).
 */
export const idempotencyPlugin = fp(
  async (app) => {
    app.addHook('preHandler', (request, _reply, done) => {
      const header = request.headers['idempotency-key'];
      if (request.method === 'POST' && header !== undefined)
        request.ctx.idempotency = prepare(request, readKey(header));
      done();
    });
    app.addHook('onSend', (request, reply, payload, done) => {
      if (request.ctx?.idempotency?.replayed) reply.header('idempotency-replayed', 'true');
      done(null, payload);
    });
  },
  { name: 'idempotency', dependencies: ['auth'] },
);
