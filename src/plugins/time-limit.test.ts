import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { edgeApp, openSocket, send } from '../../test/support/edge-app.ts';
import type { App } from './server/server.ts';

let app: App;
let refused: number;
let begun: PassThrough;

beforeEach(async () => {
  refused = 0;
  begun = new PassThrough();
  begun.write('begun');
  app = await edgeApp({ limitMs: 20 });
  app.addHook('onError', async () => void refused++);
  app.get('/endless', () => new Promise(() => {}));
  app.post('/endless', () => new Promise(() => {}));
  app.post('/quick', () => ({ ok: true }));
  app.get('/begun', () => begun);
});
afterEach(() => app.close());

const timedOut = { status: 503, code: 'service.timeout', requestId: expect.any(String) };

it.each([
  ['a GET', { url: '/endless' }],
  ['a POST without a body', { method: 'POST', url: '/endless' }],
  ['a POST whose body was read', { method: 'POST', url: '/endless', payload: { a: 1 } }],
])('answers %s that takes too long with 503', async (_name, call) => {
  const reply = await send(app, call);
  expect(JSON.parse(reply.body)).toMatchObject(timedOut);
  expect(reply.headers['retry-after']).toBe('1');
});

it('ends the wait for a body that does not arrive', async () => {
  const head =
    'POST /quick HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n';
  const { socket } = await openSocket(app, head);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toContain('service.timeout');
  socket.destroy();
});

it('leaves alone what is answered in time, and what has begun', async () => {
  expect((await send(app, { method: 'POST', url: '/quick', payload: {} })).statusCode).toBe(200);
  const head = 'GET /begun HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  const { socket, received } = await openSocket(app, head);
  await once(socket, 'data');
  expect((await send(app, '/endless')).statusCode).toBe(503);
  begun.end(' and ended');
  expect(await received).toContain(' and ended');
  expect(refused).toBe(1);
});
