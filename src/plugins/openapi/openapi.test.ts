import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { edgeApp, send } from '../../../test/support/edge-app.ts';
import { IdParams } from '../../kernel/http/params.ts';
import { DateTime, Nullable, problemResponses, ref, StrEnum } from '../../kernel/http/schemas.ts';
import type { App } from '../server/server.ts';
import { openapi } from './openapi.ts';

const Thing = Type.Object(
  {
    name: Type.String(),
    version: Type.Integer({ minimum: 1 }),
    marks: Type.Array(Type.Integer({ minimum: 0, maximum: 9 })),
    seenAt: Nullable(DateTime()),
    kind: Nullable(StrEnum(['a', 'b'])),
  },
  { $id: 'Thing', additionalProperties: false },
);
const Query = Type.Object(
  { limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }), q: Type.Optional(Type.String()) },
  { additionalProperties: false },
);

interface Operation {
  parameters: { name: string; in: string; required?: boolean }[];
  responses: Record<string, { $ref?: string; headers?: object; content?: object }>;
  security?: object[];
}
interface Document {
  openapi: string;
  info: object;
  servers: object[];
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; responses: Record<string, object> };
}

let app: App;
let document: Document;

beforeAll(async () => {
  app = await edgeApp();
  await app.register(openapi, {
    version: '1.2.3',
    config: { public: true },
    contact: { name: 'Us', url: 'https://depin.example' },
    tags: [
      { name: 'things', description: 'Things' },
      { name: 'service', description: 'The service itself' },
    ],
  });
  app.addSchema(Thing);
  app.get('/v1/things', {
    config: { permission: 'things:read' },
    schema: {
      tags: ['things'],
      operationId: 'listThings',
      querystring: Query,
      response: { 200: Type.Object({ name: Type.String() }) },
    },
    handler: async () => ({ name: 'a', version: 1, marks: [], seenAt: new Date(0), kind: null }),
  });
  app.get('/v1/things/:id', {
    schema: { tags: ['things'], operationId: 'getThing', params: IdParams, response: { 200: ref(Thing) } },
    handler: async () => ({ name: 'a', version: 1, marks: [], seenAt: new Date(0), kind: null }),
  });
  app.patch('/v1/things/:id', {
    schema: {
      tags: ['things'],
      operationId: 'updateThing',
      params: IdParams,
      body: ref(Thing),
      response: { 200: ref(Thing), ...problemResponses(404, 412, 428) },
    },
    handler: async ({ body }) => body,
  });
  document = JSON.parse((await send(app, '/openapi.json')).body);
});
afterAll(() => app.close());

describe('the document', () => {
  it('is OpenAPI 3.1 with licence, contact and the tags in their order', () => {
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { version: '1.2.3', license: { identifier: 'MIT' }, contact: { name: 'Us' } },
      servers: [{ url: '/' }],
    });
    expect(document.tags.map(({ name }) => name)).toEqual(['things', 'service']);
  });

  it('has full paths, and itself, but neither the pages nor HEAD', () => {
    expect(Object.keys(document.paths).sort()).toEqual(['/openapi.json', '/v1/things', '/v1/things/{id}']);
    expect(Object.keys(document.paths['/v1/things'] ?? {})).toEqual(['get']);
  });

  it('names components after their $id', () => {
    expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(['Problem', 'Thing']));
    expect(JSON.stringify(document)).not.toContain('def-0');
    expect(document.components.schemas.Thing).toMatchObject({
      properties: { kind: { type: ['string', 'null'], enum: ['a', 'b', null] } },
    });
  });

  it('does not ask for a parameter that has a default', () => {
    const parameters = document.paths['/v1/things']?.get?.parameters ?? [];
    const ofQuery = parameters.filter((parameter) => parameter.in === 'query');
    expect(ofQuery.map(({ name, required }) => [name, required === true])).toEqual([
      ['limit', false],
      ['q', false],
    ]);
  });

  it('documents what the edge may answer to any operation', () => {
    const statusesOf = (path: string, method: string) =>
      Object.keys(document.paths[path]?.[method]?.responses ?? {}).join(' ');
    expect(statusesOf('/openapi.json', 'get')).toBe('200 400 406 429 500 503');
    expect(statusesOf('/v1/things', 'get')).toBe('200 400 401 403 406 429 500 503');
    expect(statusesOf('/v1/things/{id}', 'patch')).toBe(
      '200 400 401 403 404 406 412 413 414 415 428 429 500 503',
    );
  });

  it('says which headers an operation reads', () => {
    const headersOf = (path: string, method: string) =>
      JSON.stringify(document.paths[path]?.[method]?.parameters).match(/(?<=parameters\/)\w+/g);
    expect(headersOf('/v1/things', 'get')).toEqual(['RequestId']);
    expect(headersOf('/v1/things/{id}', 'get')).toEqual(['RequestId', 'IfNoneMatch']);
    expect(headersOf('/v1/things/{id}', 'patch')).toEqual(['RequestId', 'IfMatch']);
  });

  it('offers 304 and ETag where an object has a version', () => {
    const responses = document.paths['/v1/things/{id}']?.get?.responses ?? {};
    expect(responses['304']).toMatchObject({ headers: { ETag: {} } });
    expect(responses['200']?.headers).toHaveProperty('ETag');
    expect(document.paths['/v1/things']?.get?.responses).not.toHaveProperty('304');
  });

  it('shares one problem for each status', () => {
    expect(document.paths['/v1/things/{id}']?.patch?.responses['412']).toEqual({
      $ref: '#/components/responses/Problem412',
    });
    expect(document.components.responses.Problem429).toMatchObject({ headers: { 'Retry-After': {} } });
  });

  it('names the permission of each route', () => {
    expect(document.paths['/v1/things']?.get?.security).toEqual([{ apiKey: ['things:read'] }]);
    expect(document.paths['/openapi.json']?.get?.security).toEqual([]);
  });

  it('states the width of every number and the length of every text and list', () => {
    expect(document.components.schemas.Thing).toMatchObject({
      properties: {
        name: { maxLength: 65_536 },
        version: { format: 'int64', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
        marks: { maxItems: 20_000, items: { format: 'int32', minimum: 0, maximum: 9 } },
      },
    });
  });

  it('points at nothing that is not there', () => {
    for (const [, path = ''] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const target = path
        .split('/')
        .reduce<unknown>((node, key) => (node as Record<string, unknown>)?.[key], document);
      expect([path, target]).toEqual([path, expect.anything()]);
    }
  });
});
