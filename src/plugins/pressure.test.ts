import { afterEach, expect, it } from '@jest/globals';
import { edgeApp, send } from '../../test/support/edge-app.ts';
import { pressure } from './pressure.ts';
import type { App } from './server/server.ts';

let app: App;
afterEach(() => app.close());

async function setup(options: Parameters<typeof pressure>[1]): Promise<void> {
  app = await edgeApp();
  await app.register(pressure, options);
  app.get('/things', () => ({}));
  app.get('/live', { config: { probe: true } }, () => ({}));
  app.get('/heartbeats', { config: { underPressure: 'serve' } }, () => ({}));
}

/** Calls until the first sample has been taken and the answer changes. */
async function untilRefused(url: string): Promise<Awaited<ReturnType<typeof send>>> {
  const reply = await send(app, url);
  return reply.statusCode === 503 ? reply : untilRefused(url);
}

it('refuses work under pressure, save probes and heartbeats', async () => {
  await setup({ maxRssBytes: 1, sampleMs: 10, retryAfterS: 7 });
  const reply = await untilRefused('/things');
  expect(reply.headers).toMatchObject({ 'retry-after': '7', 'content-type': 'application/problem+json' });
  expect(JSON.parse(reply.body)).toMatchObject({ status: 503, code: 'service.overloaded' });
  expect((await send(app, '/live')).statusCode).toBe(200);
  expect((await send(app, '/heartbeats')).statusCode).toBe(200);
});

it('serves a burst of 512 requests', async () => {
  await setup({});
  const replies = await Promise.all(Array.from({ length: 512 }, () => send(app, '/things')));
  expect(new Set(replies.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
});
