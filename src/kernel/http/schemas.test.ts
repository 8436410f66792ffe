import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { edgeApp, send } from '../../../test/support/edge-app.ts';
import type { App } from '../../plugins/server/server.ts';
import { DateTime, Nullable, problemResponses, ref, StrEnum } from './schemas.ts';

const Model = Type.Object({ name: Type.String() }, { $id: 'Model', additionalProperties: false });
const Gpu = Type.Object(
  {
    vendor: Nullable(StrEnum(['nvidia', 'amd'])),
    seenAt: Nullable(DateTime()),
    memoryMb: Nullable(Type.Integer({ minimum: 0 })),
    specs: Nullable(Type.Object({ cores: Nullable(Type.Integer()) }, { additionalProperties: false })),
    model: Nullable(ref(Model)),
  },
  { additionalProperties: false },
);
const full = {
  vendor: 'amd',
  seenAt: '2026-01-02T03:04:05.000Z',
  memoryMb: 1,
  specs: { cores: null },
  model: { name: 'x' },
};
const empty = { vendor: null, seenAt: null, memoryMb: null, specs: null, model: null };

let app: App;
beforeAll(async () => {
  app = await edgeApp();
  app.addSchema(Model);
  app.post('/echo', { schema: { body: Gpu, response: { 200: Gpu } } }, ({ body }) => body);
  app.get('/dates', { schema: { response: { 200: Type.Object({ at: Nullable(DateTime()) }) } } }, () => ({
    at: new Date(0),
  }));
  app.get('/more', { schema: { response: { 200: Model, ...problemResponses(404) } } }, () => {
    const row = { name: 'x', secret: 'y' };
    return row;
  });
});
afterAll(() => app.close());

const echo = async (payload: object) => {
  const reply = await send(app, { method: 'POST', url: '/echo', payload });
  return { status: reply.statusCode, body: JSON.parse(reply.body) };
};

describe('a nullable schema', () => {
  it.each([full, empty])('reads and writes %j', async (value) => {
    expect(await echo(value)).toEqual({ status: 200, body: value });
  });

  it.each([
    ['vendor', 'intel'],
    ['seenAt', 'yesterday'],
    ['memoryMb', -1],
    ['specs', { other: 1 }],
    ['model', { name: 1 }],
  ])('still holds %s to its rules', async (name, value) => {
    expect((await echo({ ...full, [name]: value })).status).toBe(400);
  });
});

it('prints a Date in UTC with milliseconds', async () => {
  expect((await send(app, '/dates')).body).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
});

it('drops what a response does not promise', async () => {
  expect((await send(app, '/more')).body).toBe('{"name":"x"}');
});

it('documents problems by reference', () => {
  expect(problemResponses(404, 409)).toMatchObject({
    404: {
      description: 'Not Found',
      content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
    },
    409: { description: 'Conflict' },
  });
});
