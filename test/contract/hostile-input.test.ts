import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { databaseDigest } from '../support/database-digest.ts';
import { type Answer, type Call, send } from '../support/edge-app.ts';
import { hostileIds, wrongParameters } from '../support/hostile-values.ts';
import { inTurns } from '../support/in-turns.ts';
import { judgeOf } from '../support/judge.ts';
import { mutationsOf } from '../support/mutations.ts';
import { bodySchema, followed, type JsonSchema, type Operation, parametersIn } from '../support/openapi.ts';
import { requestOf, withQuery } from '../support/requests.ts';
import { createWorld, type World } from '../support/world.ts';

/** A request that must be refused, by one of these statuses. */
interface Case {
  name: string;
  operation: Operation;
  call: Call;
  statuses: number[];
}

/** For thousands of requests on a busy machine. */
const manyRequestsMs = 120_000;

let world: World;
let judge: (operation: Operation, answer: Answer) => string[];

beforeAll(async () => {
  world = await createWorld();
  judge = judgeOf(world.document);
});
afterAll(() => world.stop());

describe('what no operation may take is refused, as documented, and changes nothing:', () => {
  it('ids that are none', () => expectRefused(idCases));
  it(
    'parameters that are unknown, repeated, empty, odd or beyond their range',
    () => expectRefused(queryCases),
    manyRequestsMs,
  );
  it('headers that say nothing we know', () => expectRefused(headerCases));
  it('bodies that are no JSON, or JSON of a kind that nobody means well with', () =>
    expectRefused(rawBodyCases));
  it('bodies with one place wrong', () => expectRefused(mutatedBodyCases), manyRequestsMs);
  it('fields that are ours to write', () => expectRefused(readOnlyCases));
});

it('a method that a path does not have is answered 405 with those that it has', async () => {
  const { app } = world.service.application;
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];
  for (const [path, item] of Object.entries(world.document.paths)) {
    const methodsOf = (paths: object = {}) => Object.keys(paths).map((method) => method.toUpperCase());
    const known = methodsOf(item);
    // `/v1/nodes/enroll` is a node's path as well, of a node that cannot be.
    const alsoAnId = methodsOf(world.document.paths[path.replace(/[^/]+$/, '{id}')]);
    const url = path.replace('{id}', world.a.objects.nodes ?? '');
    for (const method of methods.filter((name) => ![...known, ...alsoAnId].includes(name))) {
      const { statusCode, headers, body } = await send(app, { method, url });
      expect([method, path, statusCode, JSON.parse(body).code]).toEqual([
        method,
        path,
        405,
        'request.method_not_allowed',
      ]);
      expect(String(headers.allow).split(', ')).toEqual(expect.arrayContaining(known));
    }
  }
});

async function expectRefused(casesOf: (operation: Operation) => Case[]): Promise<void> {
  const before = await databaseDigest(world.service.sql);
  const cases = world.operations.filter(({ collection }) => collection !== '').flatMap(casesOf);
  const faults: string[] = [];
  await inTurns(cases, 8, async ({ name, operation, call, statuses }) => {
    const answer = await send(world.service.application.app, call);
    const expected = statuses.includes(answer.statusCode)
      ? []
      : [`${answer.statusCode} instead of ${statuses}`];
    for (const fault of [...expected, ...judge(operation, answer)])
      faults.push(`${operation.id}, ${name}: ${fault} ${answer.body.slice(0, 200)}`);
  });
  expect(cases.length).toBeGreaterThan(world.operations.length / 4);
  expect(faults).toEqual([]);
  expect(await databaseDigest(world.service.sql)).toEqual(before);
}

const caseOf = (operation: Operation, name: string, call: Call, ...statuses: number[]): Case => ({
  name,
  operation,
  call,
  statuses: statuses.length > 0 ? statuses : [400],
});

const requestFor = (operation: Operation) =>
  requestOf(world.document, operation, world.a.objects, world.operator);

const withHeaders = (call: Call, headers: Record<string, string>): Call => ({
  ...call,
  headers: { ...call.headers, ...headers },
});

function idCases(operation: Operation): Case[] {
  if (!operation.hasId) return [];
  const request = requestFor(operation);
  const id = world.a.objects[operation.collection] ?? '';
  return hostileIds.map((hostile) =>
    caseOf(operation, hostile, { ...request, url: request.url.replace(id, hostile) }, 400, 404, 414),
  );
}

const manyParameters = Array.from({ length: 1000 }, (_, index) => `p${index}=1`).join('&');

function queryCases(operation: Operation): Case[] {
  const request = requestFor(operation);
  const unknown = [
    'x=1',
    'a[b]=',
    'a[]=1',
    '__proto__=1',
    'constructor=1',
    'toString=1',
    '=1',
    '%00=1',
    '%ff=1',
    manyParameters,
  ];
  const known = parametersIn(operation, 'query');
  const first = known[0]?.name ?? 'x';
  return [
    ...unknown.map((query) => caseOf(operation, query.slice(0, 20), withQuery(request, query))),
    caseOf(operation, 'repeated', withQuery(request, `${first}=1&${first}=1`)),
    ...known.flatMap(({ name, schema }) =>
      wrongParameters(schema, name).map((text) =>
        caseOf(operation, `${name}=${text.slice(0, 40)}`, withQuery(request, `${name}=${text}`)),
      ),
    ),
    ...(known.some(({ name }) => name === 'cursor') ? listCases(operation, request) : []),
  ];
}

function listCases(operation: Operation, request: Call): Case[] {
  const forged = Buffer.from(JSON.stringify({ v: ['a'], s: 'x' })).toString('base64url');
  const queries = [
    'sort=nothing',
    'sort=id,id',
    'sort=-',
    'sort=id%3BDROP',
    'fields=nothing',
    'fields=id,,id',
    'cursor=junk',
    `cursor=${forged}`,
    `cursor=${forged}.AAAA`,
    'limit=0',
    'limit=501',
    'limit=1000000000',
  ];
  return queries.map((query) => caseOf(operation, query, withQuery(request, query)));
}

function headerCases(operation: Operation): Case[] {
  const request = requestFor(operation);
  const refused = (name: string, headers: Record<string, string>, ...statuses: number[]) =>
    caseOf(operation, name, withHeaders(request, headers), ...statuses);
  const acceptOf = (type: string) => refused(`Accept: ${type}`, { accept: type }, 406);
  return [
    acceptOf('text/html'),
    acceptOf('application/json;q=0'),
    ...(operation.body ? [refused('gzip', { 'content-encoding': 'gzip' }, 415)] : []),
    ...(operation.method === 'POST' ? keyCases(operation, request) : []),
    ...(['PATCH', 'DELETE'].includes(operation.method) ? versionCases(operation, request) : []),
    ...(operation.body ? typeCases(operation, request) : []),
  ];
}

const keyCases = (operation: Operation, request: Call): Case[] =>
  ['', '""', ' ', 'a b', 'k'.repeat(256), '\u00e9', 'a\tb'].map((key) =>
    caseOf(
      operation,
      `Idempotency-Key: ${key.slice(0, 8)}`,
      withHeaders(request, { 'idempotency-key': key }),
    ),
  );

function versionCases(operation: Operation, request: Call): Case[] {
  const { 'if-match': _, ...others } = request.headers ?? {};
  const versioned = (tag: string, status: number) =>
    caseOf(operation, `If-Match: ${tag.slice(0, 20)}`, withHeaders(request, { 'if-match': tag }), status);
  return [
    caseOf(operation, 'no If-Match', { ...request, headers: others }, 428),
    ...['1', '"1', '1"', 'x', '"1" "2"', '"1",', '*, "1"', '"\u00e9"'].map((tag) => versioned(tag, 400)),
    ...['"0"', 'W/"1"', '"999999"', '"-1"', '"1e0"', '"01"', `"${'9'.repeat(150)}"`, '""', '"8","9"'].map(
      (tag) => versioned(tag, 412),
    ),
  ];
}

function typeCases(operation: Operation, request: Call): Case[] {
  const text = JSON.stringify(request.payload);
  const typed = (type: string, payload: string | Buffer = text): Case =>
    caseOf(
      operation,
      `Content-Type: ${type}`,
      { ...withHeaders(request, { 'content-type': type }), payload },
      415,
    );
  return [
    ...[
      'text/plain',
      'application/xml',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
    ].map((type) => typed(type)),
    typed('application/json; charset=utf-16', Buffer.from(text, 'utf16le')),
    typed('application/json; charset=latin1'),
    ...(operation.method === 'PATCH' ? [] : [typed('application/merge-patch+json')]),
  ];
}

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

function rawBodyCases(operation: Operation): Case[] {
  if (!operation.body) return [];
  const request = withHeaders(requestFor(operation), { 'content-type': 'application/json' });
  const good = JSON.stringify(request.payload);
  const wide = JSON.stringify(
    Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, 1])),
  );
  const payloads: [string, string | Buffer][] = [
    ['null', 'null'],
    ['a list', '[]'],
    ['text', '"x"'],
    ['a number', '7'],
    ['half of it', good.slice(0, -1)],
    ['twice', good + good],
    ['a comment', `/* x */ ${good}`],
    ['single quotes', "{'a':1}"],
    ['NaN', '{"a":NaN}'],
    ['a byte order mark', `\uFEFF${good}`],
    ['invalid UTF-8', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])],
    [
      'an overlong encoding',
      Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc0, 0x80]), Buffer.from('"}')]),
    ],
    ['a NUL', '{"a":"\\u0000"}'],
    ['a lone surrogate', '{"a":"\\ud800"}'],
    ['a lone surrogate as a name', '{"\\udfff":1}'],
    ['__proto__', '{"__proto__":{"role":"operator"}}'],
    ['constructor.prototype', '{"constructor":{"prototype":{"role":"operator"}}}'],
    ['toJSON', '{"toJSON":1,"then":1,"hasOwnProperty":1}'],
    ['$ref', '{"$ref":"#/components/schemas/Problem"}'],
    ['1e400', '{"a":1e400}'],
    ['2^53', '{"a":9007199254740992}'],
    ['33 levels', nested(33)],
    ['5,000 levels', nested(5000)],
    ['33 levels inside', `{"a":${nested(33)}}`],
    ['5,000 names', wide],
    ['a name of 64 kB', JSON.stringify({ ['k'.repeat(65_536)]: 1 })],
  ];
  return [
    ...payloads.map(([name, payload]) => caseOf(operation, name, { ...request, payload })),
    caseOf(operation, 'over 4 MiB', { ...request, payload: `{"a":"${'x'.repeat(4_200_000)}"}` }, 413),
  ];
}

function mutatedBodyCases(operation: Operation): Case[] {
  if (!operation.body) return [];
  const request = requestFor(operation);
  return mutationsOf(world.document, operation.body, request.payload).map(({ name, body }) =>
    caseOf(
      operation,
      name,
      {
        ...withHeaders(request, { 'content-type': 'application/json' }),
        payload: JSON.stringify(body) ?? 'null',
      },
      400,
      413,
    ),
  );
}

/** Fields that answers show and bodies do not take: to send one back must not be ignored, and never obeyed. */
function readOnlyCases(operation: Operation): Case[] {
  const schema = bodySchema(world.document, operation);
  if (!schema) return [];
  const request = requestFor(operation);
  const shown = Object.entries(operation.responses).flatMap(([status, { content }]) =>
    Number(status) < 300
      ? Object.keys(
          followed<JsonSchema>(world.document, content?.['application/json']?.schema ?? {}).properties ?? {},
        )
      : [],
  );
  const names = new Set([
    ...shown,
    'id',
    'version',
    'createdAt',
    'updatedAt',
    'deletedAt',
    'status',
    'score',
    'role',
    'seq',
  ]);
  return [...names]
    .filter((name) => !(name in (schema.properties ?? {})))
    .map((name) =>
      caseOf(operation, name, { ...request, payload: { ...(request.payload as object), [name]: 1 } }),
    );
}
