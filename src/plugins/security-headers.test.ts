import { afterEach, expect, it } from '@jest/globals';
import { edgeApp, send } from '../../test/support/edge-app.ts';
import type { App } from './server/server.ts';

let app: App;
afterEach(() => app.close());

async function headersOf(url: string, options = {}) {
  app = await edgeApp(options);
  app.get('/things', () => ({}));
  app.get('/secret', (_request, reply) => reply.header('cache-control', 'no-store').send({}));
  return (await send(app, url)).headers;
}

it('are on every answer, and nothing names the server', async () => {
  const headers = await headersOf('/things');
  expect(headers).toMatchObject({
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cache-control': 'private, no-cache',
    vary: 'Authorization',
  });
  expect(headers).not.toHaveProperty('server');
  expect(headers).not.toHaveProperty('x-powered-by');
  expect(headers).not.toHaveProperty('strict-transport-security');
});

it('are on errors too', async () => {
  expect(await headersOf('/nothing')).toMatchObject({
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
});

it('let a route forbid storing', async () => {
  expect(await headersOf('/secret')).toMatchObject({ 'cache-control': 'no-store' });
});

it('ask browsers to stay with TLS where there is TLS', async () => {
  expect(await headersOf('/things', { tls: true })).toHaveProperty('strict-transport-security');
});
