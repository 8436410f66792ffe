import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { edgeApp, send } from '../../test/support/edge-app.ts';
import { notFound } from '../kernel/errors.ts';
import { assertVersion } from '../kernel/http/etag.ts';
import type { App } from './server/server.ts';
import { versionsPlugin } from './versions.ts';

let app: App;

/** One thing of version 3. */
beforeEach(async () => {
  app = await edgeApp();
  await app.register(versionsPlugin);
  const thing = { name: 'thing', version: 3 };
  app.get('/thing', () => thing);
  app.get('/things', () => ({ items: [thing], nextCursor: null }));
  app.post('/things', (_request, reply) => reply.code(201).send(thing));
  app.get('/gone', () => {
    throw notFound('thing');
  });
  for (const [method, url] of [
    ['PATCH', '/thing'],
    ['DELETE', '/thing'],
    ['POST', '/thing/release'],
  ] as const) {
    app.route({
      method,
      url,
      handler: ({ ifMatch }) => {
        assertVersion(ifMatch, thing.version);
        return { ...thing, version: 4 };
      },
    });
  }
});
afterEach(() => app.close());

describe('what has a version', () => {
  it.each([
    ['GET', '/thing', 200],
    ['HEAD', '/thing', 200],
    ['POST', '/things', 201],
  ])('is sent with its ETag: %s %s', async (method, url, statusCode) => {
    expect(await send(app, { method, url })).toMatchObject({ statusCode, headers: { etag: '"3"' } });
  });

  it('is not a list, nor a problem', async () => {
    for (const url of ['/things', '/gone']) expect((await send(app, url)).headers.etag).toBeUndefined();
  });
});

describe('If-None-Match', () => {
  it.each(['"3"', 'W/"3"', '"1", "3"', '*'])('%s answers 304 without a body', async (tag) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await send(app, { method, url: '/thing', headers: { 'if-none-match': tag } });
      expect(answer).toMatchObject({ statusCode: 304, body: '', headers: { etag: '"3"' } });
    }
  });

  it.each(['"2"', 'W/"4"', '"abc"'])('%s answers with the object', async (tag) => {
    const answer = await send(app, { url: '/thing', headers: { 'if-none-match': tag } });
    expect(answer).toMatchObject({ statusCode: 200, body: '{"name":"thing","version":3}' });
  });

  it('means nothing to a write', async () => {
    const headers = { 'if-none-match': '*', 'if-match': '"3"' };
    expect(await send(app, { method: 'PATCH', url: '/thing', headers })).toMatchObject({
      statusCode: 200,
      headers: { etag: '"4"' },
    });
  });
});

describe('If-Match', () => {
  it.each(['PATCH', 'DELETE'])('is wanted for %s, 428', async (method) => {
    const { statusCode, body } = await send(app, { method, url: '/thing' });
    expect([statusCode, JSON.parse(body).code]).toEqual([428, 'request.precondition_required']);
  });

  it.each(['"3"', '*', '"1", "3"'])('%s lets a change through', async (tag) => {
    for (const method of ['PATCH', 'DELETE']) {
      const answer = await send(app, { method, url: '/thing', headers: { 'if-match': tag } });
      expect(answer).toMatchObject({ statusCode: 200, headers: { etag: '"4"' } });
    }
  });

  it.each(['"2"', 'W/"3"', '"1", W/"3"', '"abc"'])('%s is refused, 412 with the version', async (tag) => {
    for (const [method, url] of [
      ['PATCH', '/thing'],
      ['POST', '/thing/release'],
    ] as const) {
      const { statusCode, headers, body } = await send(app, { method, url, headers: { 'if-match': tag } });
      expect([statusCode, headers.etag]).toEqual([412, '"3"']);
      expect(JSON.parse(body)).toMatchObject({ code: 'request.version_conflict', currentVersion: 3 });
    }
  });

  it('is a choice for actions', async () => {
    expect(await send(app, { method: 'POST', url: '/thing/release' })).toMatchObject({ statusCode: 200 });
  });

  it.each(['3', '"3', ''])('%j is malformed, 400', async (tag) => {
    const { statusCode } = await send(app, { method: 'PATCH', url: '/thing', headers: { 'if-match': tag } });
    expect(statusCode).toBe(400);
  });

  it('is not asked for where there is nothing to change', async () => {
    expect((await send(app, { method: 'PATCH', url: '/nothing' })).statusCode).toBe(404);
    expect((await send(app, { method: 'DELETE', url: '/things' })).statusCode).toBe(405);
  });
});
