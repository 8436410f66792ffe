import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { edgeApp, send, sendRaw } from '../../test/support/edge-app.ts';
import type { App } from './server/server.ts';

const Open = Type.Object({}, { additionalProperties: true });
let app: App;

beforeEach(async () => {
  app = await edgeApp();
  app.post('/things', { schema: { body: Open } }, ({ body }) => body);
  app.patch('/things', { schema: { body: Open } }, ({ body }) => body);
  app.put('/things', { schema: { body: Open } }, ({ body }) => body);
  app.post('/release', { schema: { body: Open }, config: { emptyBody: true } }, ({ body }) => ({ body }));
});
afterEach(() => app.close());

const json = 'application/json';
const answer = async (method: string, url: string, type: string | undefined, payload: string | Buffer) => {
  const reply = await send(app, { method, url, payload, headers: type ? { 'content-type': type } : {} });
  return { status: reply.statusCode, headers: reply.headers, body: JSON.parse(reply.body) };
};

describe('content types', () => {
  it.each([
    ['POST', json],
    ['POST', 'application/json; charset=utf-8'],
    ['POST', 'application/JSON;charset="UTF-8"'],
    ['PATCH', json],
    ['PATCH', 'application/merge-patch+json'],
  ])('%s takes %s', async (method, type) => {
    expect(await answer(method, '/things', type, '{"a":1}')).toMatchObject({ status: 200, body: { a: 1 } });
  });

  it.each([
    ['POST', 'text/plain', 'accept-post', json],
    ['POST', 'application/x-www-form-urlencoded', 'accept-post', json],
    ['POST', 'application/merge-patch+json', 'accept-post', json],
    ['POST', 'application/json; charset=utf-16', 'accept-post', json],
    ['POST', 'application/jsonx', 'accept-post', json],
    ['POST', 'not a type', 'accept-post', json],
    ['POST', undefined, 'accept-post', json],
    [
      'PATCH',
      'application/json-patch+json',
      'accept-patch',
      'application/merge-patch+json, application/json',
    ],
    ['PUT', 'text/xml', 'accept', json],
  ])('%s refuses %s and says what it takes', async (method, type, header, value) => {
    const reply = await answer(method, '/things', type, '{"a":1}');
    expect(reply).toMatchObject({ status: 415, body: { code: 'request.unsupported_media_type' } });
    expect(reply.headers[header]).toBe(value);
  });

  it('refuses an encoded body unread', async () => {
    const headers = { 'content-type': json, 'content-encoding': 'gzip' };
    const reply = await send(app, { method: 'POST', url: '/things', headers, payload: Buffer.alloc(100) });
    expect(reply.statusCode).toBe(415);
  });
});

describe('bodies', () => {
  it.each([
    ['', 'request.invalid_json'],
    ['{"a":', 'request.invalid_json'],
    ['{"name":"\\ud800"}', 'request.invalid'],
  ])('refuses %p', async (payload, code) => {
    expect(await answer('POST', '/things', json, payload)).toMatchObject({ status: 400, body: { code } });
  });

  it.each([
    ['{} as JSON', json, '{}'],
    ['an empty JSON body', json, ''],
    ['an empty form body', 'application/x-www-form-urlencoded', ''],
    ['an empty body of no type', undefined, ''],
  ])('an action takes %s', async (_name, type, payload) => {
    expect(await answer('POST', '/release', type, payload)).toMatchObject({
      status: 200,
      body: { body: {} },
    });
  });

  it('an action takes no body at all', async () => {
    const bytes = 'POST /release HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    expect(await sendRaw(app, bytes)).toContain('{"body":{}}');
  });

  it('an action takes an empty chunked body', async () => {
    const head =
      'POST /release HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n';
    expect(await sendRaw(app, `${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)).toContain('{"body":{}}');
  });

  it('an action still refuses a body in another format', async () => {
    expect(await answer('POST', '/release', 'text/plain', 'x')).toMatchObject({ status: 415 });
  });
});
