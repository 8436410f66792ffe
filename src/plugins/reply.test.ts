import { afterEach, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { edgeApp, send } from '../../test/support/edge-app.ts';
import { created, noContent, page } from './reply.ts';
import type { App } from './server/server.ts';

let app: App;
afterEach(() => app.close());

it('tells where a created object is', async () => {
  app = await edgeApp();
  app.post('/things', (_request, reply) => created(reply, '/things/1', { id: 1 }));
  expect(await send(app, { method: 'POST', url: '/things' })).toMatchObject({
    statusCode: 201,
    headers: { location: '/things/1' },
    body: '{"id":1}',
  });
});

it('says nothing where there is nothing to say', async () => {
  app = await edgeApp();
  app.delete('/things', (_request, reply) => noContent(reply));
  expect(await send(app, { method: 'DELETE', url: '/things' })).toMatchObject({ statusCode: 204, body: '' });
});

it('links to the next page, with the same filters, until there is none', async () => {
  app = await edgeApp();
  const cursors = ['a+b/c=', null];
  const schema = {
    querystring: Type.Object({ name: Type.String(), limit: Type.Integer(), cursor: Type.String() }),
  };
  app.get('/things', { schema }, (request, reply) =>
    page(request, reply, { items: [], nextCursor: cursors.shift() ?? null }),
  );
  const first = await send(app, '/things?name=a%26b&limit=2&cursor=old');
  expect(first.headers.link).toBe('</things?name=a%26b&limit=2&cursor=a%2Bb%2Fc%3D>; rel="next"');
  expect((await send(app, '/things?name=a&limit=2&cursor=next')).headers.link).toBeUndefined();
});
