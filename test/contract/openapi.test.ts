import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { permissions } from '../../src/modules/access/permissions.ts';
import { tags } from '../../src/release.ts';
import {
  bodySchema,
  type Document,
  documentOf,
  followed,
  type JsonSchema,
  type Operation,
  operationsOf,
  parametersIn,
  schemaChecker,
} from '../support/openapi.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let document: Document;
let operations: Operation[];

beforeAll(async () => {
  service = await startService();
  document = documentOf(service.application.app);
  operations = operationsOf(document);
});
afterAll(() => service.stop());

/** Operations that break a rule, by name; none should. */
const breaking = (keeps: (operation: Operation) => boolean): string[] =>
  operations
    .filter((operation) => !keeps(operation))
    .map(({ id, method, path }) => id ?? `${method} ${path}`);

const statusesOf = ({ responses }: Operation): number[] => Object.keys(responses).map(Number);

describe('the committed document', () => {
  it('is what the service serves: run `npm run openapi` after a change', async () => {
    const committed = await readFile(new URL('../../openapi/openapi.json', import.meta.url), 'utf8');
    expect(isDeepStrictEqual(JSON.parse(committed), document)).toBe(true);
  });

  it('is what the route answers', async () => {
    const { body } = await service.as(null).get('/openapi.json').expect(200);
    expect(isDeepStrictEqual(body, document)).toBe(true);
  });

  it('stays a document that people and generators can load', () => {
    expect(JSON.stringify(document).length).toBeLessThan(1_200_000);
  });
});

describe('routes', () => {
  it('are all documented, and nothing else is', () => {
    const undocumented = /^(HEAD|OPTIONS) |^GET \/docs/;
    const served = routesOf(
      service.application.app.printRoutes({ commonPrefix: false, includeHooks: false }),
    );
    const documented = operations.map(
      ({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    );
    expect(served.filter((route) => !undocumented.test(route))).toEqual(documented.sort());
  });
});

describe('every operation', () => {
  it('has a name of its own: verb and resource', () => {
    const names = operations.map(({ id }) => id);
    expect(new Set(names).size).toBe(names.length);
    expect(breaking(({ id }) => /^[a-z]+([A-Z][a-z]*)+$/.test(id))).toEqual([]);
  });

  it('has a summary and one known tag', () => {
    const known = tags.map(({ name }) => name);
    expect(breaking(({ tags: given }) => given.length === 1 && known.includes(given[0] ?? ''))).toEqual([]);
    expect(breaking(({ summary }) => summary.length > 3)).toEqual([]);
  });

  it('says which permission it needs, or that it needs no key', () => {
    const names = Object.keys(permissions);
    const says = ({ security, permission }: Operation) =>
      security?.length === 0 || (security?.length === 1 && names.includes(permission ?? ''));
    expect(breaking(says)).toEqual([]);
    expect(operations.flatMap(({ id, permission }) => (permission === null ? [id] : [])).sort()).toEqual(
      ['enrollNode', 'getHealth', 'getLive', 'getOpenApi', 'getReady', 'registerProvider'].sort(),
    );
  });

  it('answers success with JSON by a schema, or with nothing', () => {
    const success = ({ responses }: Operation) =>
      Object.entries(responses).filter(([status]) => Number(status) < 300);
    expect(breaking((operation) => success(operation).length > 0)).toEqual([]);
    expect(
      breaking((operation) =>
        success(operation).every(([status, { content }]) =>
          status === '204' ? content === undefined : content?.['application/json']?.schema !== undefined,
        ),
      ),
    ).toEqual([]);
  });

  it('answers every error with the one problem document', () => {
    const isProblem = ({ content }: Operation['responses'][string]) =>
      content?.['application/problem+json']?.schema.$ref === '#/components/schemas/Problem';
    expect(
      breaking(({ responses }) =>
        Object.entries(responses).every(([status, response]) => Number(status) < 400 || isProblem(response)),
      ),
    ).toEqual([]);
  });

  it('lists every status that its kind can have', () => {
    const expected = (operation: Operation): number[] => [
      ...[400, 406, 429, 500, 503],
      ...(operation.permission === null ? [] : [401, 403]),
      ...(operation.body ? [413, 415] : []),
      ...(operation.hasId ? [404, 414] : []),
      ...(['PATCH', 'DELETE'].includes(operation.method) ? [412, 428] : []),
      ...(operation.method === 'POST' && operation.permission !== null ? [409, 422] : []),
    ];
    expect(
      breaking((operation) => expected(operation).every((status) => statusesOf(operation).includes(status))),
    ).toEqual([]);
  });

  it('names the headers of every answer', () => {
    const common = ['X-Request-Id', 'RateLimit', 'RateLimit-Policy', 'Access-Control-Allow-Origin'];
    const named = ({ responses }: Operation, status: string, ...names: string[]) =>
      names.every((name) => responses[status] === undefined || name in (responses[status].headers ?? {}));
    expect(breaking((o) => Object.keys(o.responses).every((status) => named(o, status, ...common)))).toEqual(
      [],
    );
    expect(breaking((o) => named(o, '201', 'Location'))).toEqual([]);
    expect(breaking((o) => named(o, '401', 'WWW-Authenticate') && named(o, '412', 'ETag'))).toEqual([]);
    expect(breaking((o) => named(o, '429', 'Retry-After') && named(o, '503', 'Retry-After'))).toEqual([]);
  });

  it('describes its parameters', () => {
    const described = (operation: Operation) =>
      operation.parameters.every(({ description }) => description !== undefined);
    expect(breaking(described)).toEqual([]);
  });

  it('takes the version where it changes an object, and a key where it makes one', () => {
    const headers = (operation: Operation) => parametersIn(operation, 'header').map(({ name }) => name);
    expect(
      breaking((o) => !['PATCH', 'DELETE'].includes(o.method) || headers(o).includes('If-Match')),
    ).toEqual([]);
    expect(breaking((o) => o.method !== 'POST' || headers(o).includes('Idempotency-Key'))).toEqual([]);
  });
});

describe('every request body', () => {
  const withBody = () => operations.filter(({ body }) => body !== null);
  const schemaOf = (operation: Operation): JsonSchema => bodySchema(document, operation) as JsonSchema;

  it('is a component that refuses unknown fields', () => {
    const closed = (operation: Operation) =>
      operation.body?.$ref !== undefined && schemaOf(operation).additionalProperties === false;
    expect(
      withBody()
        .filter((operation) => !closed(operation))
        .map(({ id }) => id),
    ).toEqual([]);
  });

  it('has an example that fits its schema', () => {
    const check = schemaChecker(document);
    const faults = withBody().flatMap((operation) => {
      const { examples = [] } = schemaOf(operation);
      const wrong = examples.map((example) => check(operation.body as JsonSchema, example)).filter(Boolean);
      return examples.length > 0 && wrong.length === 0
        ? []
        : [`${operation.id}: ${wrong.join() || 'no example'}`];
    });
    expect(faults).toEqual([]);
  });

  it('bounds every text, list, number and object in it', () => {
    const faults = withBody().flatMap((operation) =>
      unbounded(document, schemaOf(operation), operation.id, new Set()),
    );
    expect(faults).toEqual([]);
  });
});

it('a GET of one object with a version may be answered 304', () => {
  const versioned = operations.filter(
    ({ method, responses }) =>
      method === 'GET' &&
      'version' in
        (followed<JsonSchema>(document, responses['200']?.content?.['application/json']?.schema ?? {})
          .properties ?? {}),
  );
  expect(versioned.length).toBeGreaterThan(3);
  expect(versioned.filter(({ responses }) => !('304' in responses)).map(({ id }) => id)).toEqual([]);
});

/** `GET /v1/nodes/:id`, sorted, from the tree that the router prints. */
function routesOf(tree: string): string[] {
  const parents: string[] = [];
  return tree
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods = ''] = /^([│├└─ ]*)(\S*)(?: \((.*)\))?$/.exec(line) ?? [];
      const depth = indent.length / 4;
      parents[depth] = part;
      const path = parents.slice(1, depth + 1).join('');
      return methods
        .split(', ')
        .filter(Boolean)
        .map((method) => `${method} ${path}`);
    })
    .sort();
}

/** Places of a schema where a value could be of any size. */
function unbounded(document: Document, schema: JsonSchema, place: string, seen: Set<string>): string[] {
  if (schema.$ref !== undefined) {
    if (seen.has(schema.$ref)) return [];
    return unbounded(document, followed(document, schema), schema.$ref, new Set([...seen, schema.$ref]));
  }
  const types = [schema.type].flat();
  const free =
    types.includes('object') && schema.additionalProperties !== false && schema.maxProperties === undefined;
  // The document's own defaults (see `stateLimits`) are no limits that a request is checked against.
  const long =
    types.includes('string') && schema.enum === undefined && (schema.maxLength ?? 65_536) >= 65_536;
  const many = types.includes('array') && (schema.maxItems ?? 20_000) >= 20_000;
  const inner = [
    ...Object.entries(schema.properties ?? {}),
    ...Object.entries(schema.patternProperties ?? {}),
    ...(schema.items ? [['items', schema.items] as const] : []),
    ...(schema.anyOf ?? []).map((choice, index) => [`anyOf/${index}`, choice] as const),
  ];
  return [
    ...(free || long || many ? [place] : []),
    ...inner.flatMap(([name, child]) => unbounded(document, child, `${place}/${name}`, seen)),
  ];
}
