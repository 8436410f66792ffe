import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { edgeApp, openSocket, send, sendRaw } from '../../test/support/edge-app.ts';
import type { App } from './server/server.ts';

let app: App;
const Params = Type.Object({ name: Type.String() });

beforeEach(async () => {
  app = await edgeApp();
  app.get('/things', () => ({}));
  app.get('/things/:name', { schema: { params: Params } }, ({ params }) => params);
  app.get('/search', { schema: { querystring: Type.Object({ q: Type.String() }) } }, ({ query }) => query);
  const Open = Type.Object({ q: Type.String() }, { additionalProperties: true });
  app.get('/open', { schema: { querystring: Open } }, ({ query }) => query);
  app.get('/stream', { config: { produces: ['text/event-stream'] } }, () => ({}));
  app.get('/probe', { config: { probe: true } }, () => ({}));
});
afterEach(() => app.close());

const problemOf = async (url: string, headers: Record<string, string> = {}) =>
  JSON.parse((await send(app, { url, headers })).body);

describe('paths and query strings', () => {
  it.each([
    ['/things/a%00b', 'request.malformed'],
    ['/nothing%00', 'request.malformed'],
    ['/search?q=%00', 'request.invalid'],
    ['/search?q=%ff', 'request.invalid'],
    ['/search?q=a&q=b', 'request.invalid'],
  ])('%s is refused', async (url, code) => {
    expect(await problemOf(url)).toMatchObject({ status: 400, code });
  });

  it('names the parameter that a route does not know, even where it knows none', async () => {
    expect(await problemOf('/things?limit=1')).toMatchObject({
      status: 400,
      errors: [{ pointer: 'limit', detail: 'is unknown here' }],
    });
  });

  it('closes a query schema that does not say that it is open', async () => {
    expect(await problemOf('/search?q=a&limit=1')).toMatchObject({
      status: 400,
      errors: [{ pointer: 'limit', detail: 'is unknown here' }],
    });
    expect(await problemOf('/open?q=a&limit=1')).toEqual({ q: 'a', limit: '1' });
  });

  it('decodes what is in order', async () => {
    expect(await problemOf('/things/a%20b')).toEqual({ name: 'a b' });
    expect(await problemOf('/search?q=a%20b')).toEqual({ q: 'a b' });
  });
});

describe('Accept', () => {
  it.each([
    ['/things', 'text/html', 406],
    ['/things', 'application/json;q=0', 406],
    ['/stream', 'application/json', 406],
    ['/things', 'application/*', 200],
    ['/stream', 'text/event-stream', 200],
    ['/probe', 'text/plain', 200],
  ])('%s for %s is answered %i', async (url, accept, status) => {
    expect((await send(app, { url, headers: { accept } })).statusCode).toBe(status);
  });

  it('does not hide an unknown route', async () => {
    expect(await problemOf('/nothing', { accept: 'text/html' })).toMatchObject({ status: 404 });
  });
});

it('wants a Host in HTTP/1.1', async () => {
  expect(await sendRaw(app, 'GET /things HTTP/1.1\r\nConnection: close\r\n\r\n')).toContain(
    'request.malformed',
  );
  expect(await sendRaw(app, 'GET /things HTTP/1.0\r\n\r\n')).toContain('HTTP/1.1 200');
});

it('refuses what arrives on an open connection while it closes, and finishes what runs', async () => {
  const running = new EventEmitter();
  app.get('/busy', async () => {
    running.emit('entered');
    await once(running, 'finish');
    return { done: true };
  });
  app.addHook('preClose', async () => void running.emit('closing'));
  const get = (url: string) => `GET ${url} HTTP/1.1\r\nHost: a\r\n\r\n`;

  const entered = once(running, 'entered');
  const { socket, received } = await openSocket(app, get('/busy'));
  await entered;
  const closing = once(running, 'closing');
  const closed = app.close();
  await closing;
  socket.write(get('/things'));
  await once(app.server, 'request');
  running.emit('finish');

  const text = await received;
  await closed;
  expect(text).toContain('{"done":true}');
  expect(text).toMatch(/HTTP\/1.1 503[\s\S]*connection: close[\s\S]*"code":"service.stopping"/i);
});
