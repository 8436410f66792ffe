import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FastifyContextConfig } from 'fastify';
import fp from 'fastify-plugin';
import { errorPage } from '../../kernel/http/problem.ts';
import { errorsHtml, swaggerHtml, swaggerScript } from './html.ts';

export interface DocsPagesOptions {
  /** The description of all error codes, `docs/errors.md`: what the `type` of every problem leads to. */
  errors?: string;
  /** What the access rules want of a route that needs no key. */
  config?: FastifyContextConfig;
}

/** Scripts, styles and data from here alone; Swagger UI writes some of its styles into the page. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const html = 'text/html; charset=utf-8';
const javascript = 'text/javascript; charset=utf-8';

/** Swagger UI as its Fastify plugin packs it; the plugin itself would put a file server in front of these three. */
const assets = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': javascript,
  'favicon-32x32.png': 'image/png',
} as const;

const assetFolder = (): string =>
  join(dirname(createRequire(import.meta.url).resolve('@fastify/swagger-ui')), 'static');

/**
 * Shows the OpenAPI document with Swagger UI at `/docs`, and the error codes at `/docs/errors`. All files come from
 * here, so the pages work without internet and nothing tells anybody outside who reads them.
 */
export const docsPages = fp<DocsPagesOptions>(
  async (app, { errors = '', config = {} }) => {
    const serve = (url: string, type: string, content: string | Buffer) =>
      app.get(url, { schema: { hide: true }, config }, (_request, reply) => {
        reply.headers({
          'content-security-policy': policy,
          'content-type': type,
          'cache-control': 'public, max-age=600',
        });
        return reply.send(content);
      });

    for (const [name, type] of Object.entries(assets)) {
      serve(`/docs/${name}`, type, await readFile(join(assetFolder(), name)));
    }
    serve('/docs', html, swaggerHtml);
    serve('/docs/start.js', javascript, swaggerScript);
    serve(errorPage, html, errorsHtml(errors));
    app.get('/docs/', { schema: { hide: true }, config }, (_request, reply) =>
      reply.redirect('../docs', 308),
    );
  },
  { name: 'docs-pages', dependencies: ['openapi'] },
);
