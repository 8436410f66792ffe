import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { edgeApp, send } from '../../test/support/edge-app.ts';
import type { App } from './server/server.ts';

let app: App;

beforeEach(async () => {
  app = await edgeApp();
  app.get('/things', () => ({}));
  app.post('/things', { schema: { body: Type.Object({}) } }, () => ({}));
  app.delete('/things/:id', () => ({}));
  app.post('/things/batch', { schema: { body: Type.Object({}) } }, () => ({}));
  app.get('/files/*', (_request, reply) => reply.callNotFound());
});
afterEach(() => app.close());

it.each([
  ['PUT', '/things', 'GET, HEAD, POST'],
  ['OPTIONS', '/things', 'GET, HEAD, POST'],
  ['TRACE', '/things', 'GET, HEAD, POST'],
  ['PROPFIND', '/things?a=1', 'GET, HEAD, POST'],
  ['GET', '/things/7', 'DELETE'],
  ['DELETE', '/things/batch', 'POST'],
  ['DELETE', '/things/batch?a=1', 'POST'],
  ['PUT', '/things/batch', 'POST'],
])('%s %s is answered 405 with what is allowed', async (method, url, allowed) => {
  const reply = await send(app, { method, url });
  expect(reply.statusCode).toBe(405);
  expect(reply.headers).toMatchObject({ allow: allowed, 'content-type': 'application/problem+json' });
  expect(JSON.parse(reply.body)).toMatchObject({ code: 'request.method_not_allowed' });
});

it.each([
  ['GET', '/nothing'],
  ['GET', '/thing/'],
  ['GET', '/Things'],
  ['GET', '/files/none'],
])('%s %s is an unknown route', async (method, url) => {
  const reply = await send(app, { method, url });
  expect(reply.statusCode).toBe(404);
  expect(JSON.parse(reply.body)).toMatchObject({ code: 'request.route_not_found', instance: url });
});

it('does not look at the body of an unknown route', async () => {
  const headers = { 'content-type': 'application/json' };
  expect(await send(app, { method: 'POST', url: '/nothing', headers, payload: '{' })).toMatchObject({
    statusCode: 404,
  });
  expect(await send(app, { method: 'PUT', url: '/things', headers, payload: '{' })).toMatchObject({
    statusCode: 405,
  });
});

it('answers what has a method of its own under either path', async () => {
  const payload = {};
  expect(await send(app, { method: 'POST', url: '/things/batch', payload })).toMatchObject({
    statusCode: 200,
  });
  expect(await send(app, { method: 'DELETE', url: '/things/batches' })).toMatchObject({ statusCode: 200 });
});

it('answers HEAD wherever there is a GET, without a body', async () => {
  expect(await send(app, { method: 'HEAD', url: '/things' })).toMatchObject({ statusCode: 200, body: '' });
  expect(await send(app, { method: 'HEAD', url: '/nothing' })).toMatchObject({ statusCode: 404, body: '' });
});
