import { afterEach, describe, expect, it } from '@jest/globals';
import { edgeApp, send } from '../../test/support/edge-app.ts';
import { invalid } from '../kernel/errors.ts';
import type { App } from './server/server.ts';

const origin = 'https://console.example';
const asks = { origin, 'access-control-request-method': 'PATCH' };

let app: App;
afterEach(() => app.close());

describe('with an origin allowed', () => {
  it('answers a preflight before anybody asks for a key or a route', async () => {
    app = await appFor([origin]);
    const answer = await send(app, { method: 'OPTIONS', url: '/things', headers: asks });
    expect(answer.statusCode).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': expect.stringContaining('PATCH'),
      'access-control-allow-headers': expect.stringContaining('If-Match'),
      vary: 'Authorization, Origin',
    });
  });

  it('lets a page read answers, problems too, and the headers that matter', async () => {
    app = await appFor([origin]);
    for (const url of ['/things', '/broken']) {
      const { headers } = await send(app, { url, headers: { origin } });
      expect(headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-expose-headers': expect.stringContaining('ETag'),
      });
    }
  });

  it('lets no other origin in, and says that the answer depends on it', async () => {
    app = await appFor([origin]);
    const headers = { ...asks, origin: 'https://elsewhere.example' };
    const answer = await send(app, { method: 'OPTIONS', url: '/things', headers });
    expect(answer.statusCode).toBe(405);
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    expect(answer.headers.vary).toBe('Authorization, Origin');
  });

  it('never allows credentials', async () => {
    app = await appFor([origin]);
    const { headers } = await send(app, { method: 'OPTIONS', url: '/things', headers: asks });
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
  });
});

it('lets any origin in with *', async () => {
  app = await appFor(['*']);
  const { headers } = await send(app, { url: '/things', headers: { origin } });
  expect(headers['access-control-allow-origin']).toBe('*');
});

it('is off without origins', async () => {
  app = await appFor([]);
  const answer = await send(app, { method: 'OPTIONS', url: '/things', headers: asks });
  expect(answer.statusCode).toBe(405);
  expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
});

async function appFor(origins: string[]): Promise<App> {
  const edge = await edgeApp({ corsOrigins: origins });
  edge.get('/things', async () => ({}));
  edge.get('/broken', async () => {
    throw invalid('limit', 'is broken');
  });
  return edge;
}
