import swagger from '@fastify/swagger';
import type { FastifyContextConfig } from 'fastify';
import fp from 'fastify-plugin';
import { Type } from 'typebox';
import { completeDocument } from './document.ts';

export interface OpenApiOptions {
  version: string;
  /** Groups of operations, in the order in which they are shown. */
  tags: readonly { name: string; description: string }[];
  contact: { name: string; url?: string; email?: string };
  /** What the access rules want of a route that needs no key. */
  config?: FastifyContextConfig;
}

const description = [
  'The system of record of a decentralised GPU network: providers, nodes, GPUs, heartbeats, verification and',
  'exclusive allocation.\n\n',
  'Every error is a problem document (RFC 9457) whose `code` never changes its meaning. Every mutable object has a',
  '`version`, sent as `ETag` and asked back as `If-Match`. Lists are paged by an opaque cursor.',
].join(' ');

const server = {
  url: '/',
  description: 'This service, be it local, staging or production.',
  'x-internal': false,
};

const componentName = (schema: { $id?: unknown }, index: number): string =>
  typeof schema.$id === 'string' ? schema.$id : `def-${index}`;

/** A route's permission as OpenAPI 3.1 lets it be named: a role that the key must have. Public routes ask for none. */
const securityOf = (config: FastifyContextConfig = {}): { security?: Record<string, string[]>[] } => {
  if (config.public) return { security: [] };
  return config.permission ? { security: [{ apiKey: [config.permission] }] } : {};
};

/**
 * Writes the OpenAPI 3.1 document from the schemas of all routes that are registered after it, and serves it at
 * `/openapi.json`. `docs-pages.ts` shows it.
 */
export const openapi = fp<OpenApiOptions>(
  async (app, { version, tags, contact, config = {} }) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'DePIN Inventory',
          version,
          description,
          contact,
          license: { name: 'MIT', identifier: 'MIT' },
        },
        servers: [server],
        tags: [...tags],
        security: [{ apiKey: [] }],
        components: {
          securitySchemes: {
            apiKey: {
              type: 'http',
              scheme: 'bearer',
              description: 'An API key: `Authorization: Bearer dpi_…`.',
            },
          },
        },
      },
      refResolver: { buildLocalReference: (schema, _base, _fragment, index) => componentName(schema, index) },
      transform: ({ schema, url, route }) => ({ schema: { ...schema, ...securityOf(route.config) }, url }),
      transformObject: (documented) =>
        'openapiObject' in documented ? completeDocument(documented.openapiObject) : documented.swaggerObject,
    });

    app.get(
      '/openapi.json',
      {
        config,
        schema: {
          operationId: 'getOpenApi',
          summary: 'This document',
          tags: ['service'],
          response: { 200: Type.Unsafe<object>({ type: 'object', additionalProperties: true }) },
        },
      },
      async () => app.swagger(),
    );
  },
  { name: 'openapi', dependencies: ['problem'] },
);
