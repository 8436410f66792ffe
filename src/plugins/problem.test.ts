import { afterEach, describe, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { edgeApp, send } from '../../test/support/edge-app.ts';
import { AppError, invalid, unavailable } from '../kernel/errors.ts';
import { Nullable, problemResponses, StrEnum } from '../kernel/http/schemas.ts';
import type { App } from './server/server.ts';

const Gpu = Type.Object(
  { uuid: Type.String(), index: Type.Optional(Type.Integer()) },
  { additionalProperties: false },
);
const Body = Type.Object(
  {
    email: Type.String({ format: 'email', maxLength: 100 }),
    kind: Type.Optional(StrEnum(['individual', 'datacenter'])),
    gpus: Type.Optional(Type.Array(Gpu, { maxItems: 5_000 })),
    system: Type.Optional(Nullable(Type.Object({ os: Type.String() }, { additionalProperties: false }))),
  },
  { additionalProperties: false },
);
const Query = Type.Object(
  { limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }) },
  { additionalProperties: false },
);

let app: App;
let lines: Record<string, unknown>[];

async function setup(limits: { bodyLimit?: number } = {}): Promise<App> {
  lines = [];
  app = await edgeApp({
    ...limits,
    onLog: (line) => lines.push(line),
    toAppError: (error) =>
      error instanceof RangeError ? unavailable('dependency.unavailable', 'The database is away.', 2) : null,
  });
  app.post('/v1/things', { schema: { body: Body, response: problemResponses(400) } }, () => {});
  app.get('/v1/things', { schema: { querystring: Query } }, ({ query }) => query);
  app.get('/v1/things/:name', () => ({ ok: true }));
  app.get('/broken', () => {
    throw new TypeError('secret of the driver');
  });
  app.get('/away', () => {
    throw new RangeError('pool');
  });
  app.get('/taken', { schema: { querystring: Type.Object({ secret: Type.String() }) } }, () => {
    throw new AppError(409, 'gpu.unavailable', 'Taken.', {
      members: { gpuIds: ['a'] },
      headers: { 'x-more': '1' },
    });
  });
  app.get('/private', () => {
    throw new AppError(401, 'auth.missing', 'Who are you?');
  });
  return app;
}

const post = (payload: unknown) =>
  send(app, { method: 'POST', url: '/v1/things', payload: payload as object });

afterEach(() => app.close());

describe('a problem document', () => {
  it('carries every member of RFC 9457 and ours', async () => {
    await setup();
    const reply = await send(app, { url: '/taken?secret=1', headers: { 'x-request-id': 'abc-1' } });
    expect(reply.statusCode).toBe(409);
    expect(reply.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'x-request-id': 'abc-1',
      'x-more': '1',
      'cache-control': 'no-store',
    });
    expect(JSON.parse(reply.body)).toEqual({
      type: '/docs/errors#gpu.unavailable',
      title: 'Conflict',
      status: 409,
      detail: 'Taken.',
      instance: '/taken',
      code: 'gpu.unavailable',
      requestId: 'abc-1',
      gpuIds: ['a'],
    });
  });

  it('says nothing about an unknown error, and logs it under the request id', async () => {
    await setup();
    const reply = await send(app, { url: '/broken', headers: { 'x-request-id': 'abc-2' } });
    expect(JSON.parse(reply.body)).toMatchObject({ status: 500, code: 'internal' });
    expect(reply.body).not.toContain('secret of the driver');
    expect(lines.find(({ level }) => level === 50)).toMatchObject({
      requestId: 'abc-2',
      err: { message: 'secret of the driver' },
    });
  });

  it('maps what the given function knows', async () => {
    await setup();
    const reply = await send(app, '/away');
    expect(reply.headers['retry-after']).toBe('2');
    expect(JSON.parse(reply.body)).toMatchObject({ status: 503, code: 'dependency.unavailable' });
  });

  it('asks for a credential with every 401', async () => {
    await setup();
    expect((await send(app, '/private')).headers['www-authenticate']).toBe('Bearer');
  });
});

describe('a validation error', () => {
  const pointersOf = async (payload: unknown) => JSON.parse((await post(payload)).body).errors;

  it('names a missing field, an unknown one inside an array, and a wrong value', async () => {
    await setup();
    expect(await pointersOf({ kind: 'browser', gpus: [{ uuid: 'x', foo: 1 }] })).toEqual([
      { pointer: '/email', detail: 'is required' },
      { pointer: '/kind', detail: 'must be one of individual, datacenter' },
      { pointer: '/gpus/0/foo', detail: 'is unknown here' },
    ]);
  });

  it('escapes names as RFC 6901 asks', async () => {
    await setup();
    expect(await pointersOf({ email: 'a@b.example', 'a/b~c': 1 })).toEqual([
      { pointer: '/a~1b~0c', detail: 'is unknown here' },
    ]);
  });

  it('does not coerce a body', async () => {
    await setup();
    expect(await pointersOf({ email: 'a@b.example', gpus: [{ uuid: 'x', index: '7' }] })).toEqual([
      { pointer: '/gpus/0/index', detail: 'must be integer' },
    ]);
  });

  it('speaks of the object and not of the null that a nullable field may be', async () => {
    await setup();
    expect(await pointersOf({ email: 'a@b.example', system: { os: 1 } })).toEqual([
      { pointer: '/system/os', detail: 'must be string' },
    ]);
  });

  it('names the body when it is no object at all', async () => {
    await setup();
    const reply = await send(app, {
      method: 'POST',
      url: '/v1/things',
      payload: '[]',
      headers: { 'content-type': 'application/json' },
    });
    expect(JSON.parse(reply.body)).toMatchObject({
      status: 400,
      code: 'request.invalid',
      detail: 'The body: must be object',
    });
  });

  it('lists no more than twenty faults, and the first alone of a large body', async () => {
    await setup();
    expect(await pointersOf({ email: 'a@b.example', gpus: Array(40).fill({}) })).toHaveLength(20);
    expect(await pointersOf({ email: 'a@b.example', gpus: Array(4_000).fill({ u: 'x' }) })).toHaveLength(1);
  });

  it('cuts a pointer that quotes a very long name', async () => {
    await setup();
    const [error] = await pointersOf({ email: 'a@b.example', ['k'.repeat(60_000)]: 1 });
    expect(error.pointer).toHaveLength(200);
  });

  it('names a parameter without a slash', async () => {
    await setup();
    const reply = await send(app, '/v1/things?limit=501');
    expect(JSON.parse(reply.body)).toMatchObject({
      code: 'request.invalid',
      errors: [{ pointer: 'limit', detail: 'must be <= 500' }],
    });
  });

  it('coerces and fills parameters', async () => {
    await setup();
    expect(JSON.parse((await send(app, '/v1/things?limit=7')).body)).toEqual({ limit: 7 });
    expect(JSON.parse((await send(app, '/v1/things')).body)).toEqual({ limit: 50 });
  });

  it.each(['1e2', '%205', '5%20', '+5', '0x10', '05', '5.', '1_0', '', 'null', 'true', '9'.repeat(400)])(
    'refuses %j as a number, whatever JavaScript makes of it',
    async (text) => {
      await setup();
      const reply = await send(app, `/v1/things?limit=${text}`);
      expect(reply.statusCode).toBe(400);
      expect(JSON.parse(reply.body).errors[0].pointer).toBe('limit');
    },
  );
});

describe('what Fastify refuses', () => {
  it.each([
    [
      'a body over the limit',
      { method: 'POST', url: '/v1/things', payload: { email: 'x'.repeat(300) } },
      413,
    ],
    ['a path that is not UTF-8', { method: 'GET', url: '/v1/things/%ff' }, 400],
    ['a path that is not percent-encoded', { method: 'GET', url: '/v1/things/%zz' }, 400],
    ['a part of the path that is too long', { method: 'GET', url: `/v1/things/${'x'.repeat(129)}` }, 414],
  ] as const)('is a problem: %s', async (_name, request, status) => {
    await setup({ bodyLimit: 200 });
    const reply = await send(app, request);
    expect(reply.statusCode).toBe(status);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(reply.body)).toMatchObject({ status, requestId: reply.headers['x-request-id'] });
  });
});

it('keeps the helper for one faulty field and the schema errors alike', () => {
  expect(invalid('/email', 'is required').errors).toEqual([{ pointer: '/email', detail: 'is required' }]);
});
