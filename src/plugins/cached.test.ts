import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { edgeApp, send } from '../../test/support/edge-app.ts';
import { testCache } from '../../test/support/test-cache.ts';
import type { CacheName } from '../kernel/cache/cache.ts';
import { notFound } from '../kernel/errors.ts';
import { readProblems } from '../kernel/http/operation.ts';
import { ref } from '../kernel/http/schemas.ts';
import { sendCached } from './cached.ts';
import type { App } from './server/server.ts';

const name: CacheName = { domain: 'inventory', key: 'thing:1', tags: ['thing:1'] };
const Thing = Type.Object({ version: Type.Integer(), name: Type.String() }, { $id: 'Thing' });
let app: App;
let cache: ReturnType<typeof testCache>;
let loads: number;
let stored: { version: number; name: string; secret: string } | null;

beforeEach(async () => {
  loads = 0;
  stored = { version: 3, name: 'a "b"\nc', secret: 'hidden' };
  cache = testCache({ redisUrl: null });
  app = await edgeApp();
  app.addSchema(Thing);
  app.get(
    '/thing',
    { schema: { response: { 200: ref(Thing), ...readProblems(404) } } },
    async (request, reply) =>
      sendCached(cache, name, request, reply, async () => {
        loads++;
        if (!stored) throw notFound('thing');
        return stored;
      }),
  );
});
afterEach(async () => {
  await app.close();
  await cache.close();
});

it('loads once, and answers the same from the cache as from the object', async () => {
  for (let i = 0; i < 3; i++) {
    const { statusCode, headers, body } = await send(app, '/thing');
    expect([statusCode, headers.etag, headers['content-type']]).toEqual([
      200,
      '"3"',
      'application/json; charset=utf-8',
    ]);
    expect(JSON.parse(body)).toEqual({ version: 3, name: 'a "b"\nc' });
  }
  expect(loads).toBe(1);
});

it('answers 304 from the cache', async () => {
  await send(app, '/thing');
  const answer = await send(app, { url: '/thing', headers: { 'if-none-match': '"3"' } });
  expect(answer).toMatchObject({ statusCode: 304, body: '', headers: { etag: '"3"' } });
  expect(loads).toBe(1);
});

it('shows the next version once the cache is told', async () => {
  await send(app, '/thing');
  stored = { version: 4, name: 'new', secret: 'hidden' };
  await cache.invalidate(name.tags);
  expect(await send(app, '/thing')).toMatchObject({
    headers: { etag: '"4"' },
    body: '{"version":4,"name":"new"}',
  });
});

it('keeps no refusal', async () => {
  stored = null;
  expect((await send(app, '/thing')).statusCode).toBe(404);
  stored = { version: 1, name: 'there', secret: 'hidden' };
  expect((await send(app, '/thing')).statusCode).toBe(200);
});
