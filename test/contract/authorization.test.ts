import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createApplication } from '../../src/app.ts';
import type { Role } from '../../src/kernel/context.ts';
import { type Permission, permissions, roleMay } from '../../src/modules/access/permissions.ts';
import { databaseDigest } from '../support/database-digest.ts';
import { type Answer, type Call, send } from '../support/edge-app.ts';
import { createKey } from '../support/fleet.ts';
import { inTurns } from '../support/in-turns.ts';
import { judgeOf } from '../support/judge.ts';
import { bodySchema, type Operation, parametersIn } from '../support/openapi.ts';
import { type Ids, requestOf } from '../support/requests.ts';
import { createWorld, type World } from '../support/world.ts';

type Caller = { role: Role; key: string };

/** Who owns the objects of a collection, and so to whom the others' are foreign; a new collection needs a row. */
const owners: Readonly<Record<string, 'provider' | 'tenant' | 'nobody'>> = {
  providers: 'provider',
  nodes: 'provider',
  gpus: 'provider',
  verifications: 'provider',
  findings: 'provider',
  'api-keys': 'provider',
  'maintenance-windows': 'provider',
  allocations: 'tenant',
  tenants: 'nobody',
  'gpu-models': 'nobody',
};

let world: World;
let judge: (operation: Operation, answer: Answer) => string[];
let callers: Caller[];

beforeAll(async () => {
  world = await createWorld();
  judge = judgeOf(world.document);
  const { a, operator, service } = world;
  callers = [
    { role: 'operator', key: operator },
    { role: 'provider', key: a.provider },
    { role: 'agent', key: a.agent },
    { role: 'tenant', key: a.tenant },
    { role: 'verifier', key: await createKey(service, { role: 'verifier' }) },
    { role: 'viewer', key: await createKey(service, { role: 'viewer' }) },
  ];
});
afterAll(() => world.stop());

const guarded = () => world.operations.filter(({ permission }) => permission !== null);
const withId = () => world.operations.filter(({ hasId }) => hasId);
const mayCall = (role: Role, { permission }: Operation) => roleMay(role, permission as Permission);
const call = (request: Call) => send(world.service.application.app, request);
const request = (operation: Operation, ids: Ids, key: string | null) =>
  requestOf(world.document, operation, ids, key);
const codeOf = ({ body }: Answer): string => (body === '' ? '' : JSON.parse(body).code);

/** Ids as they look, of nothing. */
const unknownIds = (ids: Ids): Ids =>
  Object.fromEntries(
    Object.keys(ids).map((name) => [name, name === 'gpu-models' ? 'nvidia-nothing-1gb' : randomUUID()]),
  );

describe('without a usable key', () => {
  it.each([
    ['no key', null, 'auth.missing'],
    ['what is no key', 'hello', 'auth.invalid_key'],
    ['a key of nobody', `dpi_live_${'0'.repeat(12)}_${'0'.repeat(49)}`, 'auth.invalid_key'],
  ])('%s is answered 401 everywhere', (_what, key, code) => expectRefused(key, 401, code));

  it.each([
    ['revoked', 'auth.key_revoked'],
    ['disabled', 'auth.key_disabled'],
    ['expired', 'auth.key_expired'],
  ])('a %s key is answered 401 everywhere', async (state, code) => {
    await expectRefused(await spoiltKey(state), 401, code);
  });

  it('a key in any other place is none', async () => {
    const { operator } = world;
    const attempts: Call[] = [
      { url: '/v1/whoami', headers: { 'x-api-key': operator } },
      { url: '/v1/whoami', headers: { authorization: operator } },
      {
        url: '/v1/whoami',
        headers: { authorization: `Basic ${Buffer.from(`key:${operator}`).toString('base64')}` },
      },
      { url: '/v1/whoami', headers: { cookie: `authorization=Bearer ${operator}` } },
      { url: `/v1/whoami?api_key=${operator}` },
      { url: `/v1/whoami?access_token=${operator}` },
    ];
    for (const attempt of attempts) expect((await call(attempt)).statusCode).toBe(401);
  });
});

it('a key limited to a scope is answered 403 auth.out_of_scope by everything else', async () => {
  const { body } = await world.service
    .as()
    .post('/v1/api-keys')
    .send({ name: 'narrow', role: 'operator', scopes: ['self:read'] });
  await expectRefused(body.key, 403, 'auth.out_of_scope', ({ permission }) => permission !== 'self:read');
});

describe('the table of permissions', () => {
  it('has a row for every operation', () => {
    const named = new Set(guarded().map(({ permission }) => permission));
    expect([...named].filter((permission) => !((permission as string) in permissions))).toEqual([]);
  });

  it('decides for every role: 403 for what it may not, whoever owns the object', async () => {
    const before = await databaseDigest(world.service.sql);
    const faults: string[] = [];
    for (const { role, key } of callers) {
      const refused = guarded().filter((operation) => !mayCall(role, operation));
      await inTurns(refused, 8, async (operation) => {
        for (const ids of [world.a.objects, world.b.objects, unknownIds(world.a.objects)]) {
          const answer = await call(request(operation, ids, key));
          if (answer.statusCode !== 403 || codeOf(answer) !== 'auth.forbidden')
            faults.push(`${role} ${operation.id}: ${answer.statusCode} ${answer.body}`);
        }
      });
    }
    expect(faults).toEqual([]);
    expect(await databaseDigest(world.service.sql)).toEqual(before);
  });

  it('lets every role read what it may, of its own', async () => {
    const faults: string[] = [];
    for (const { role, key } of callers) {
      const allowed = guarded().filter((operation) => operation.method === 'GET' && mayCall(role, operation));
      await inTurns(allowed, 8, async (operation) => {
        const answer = await call(request(operation, world.a.objects, key));
        if (answer.statusCode !== 200)
          faults.push(`${role} ${operation.id}: ${answer.statusCode} ${answer.body.slice(0, 300)}`);
        faults.push(...judge(operation, answer).map((fault) => `${role} ${operation.id}: ${fault}`));
      });
    }
    expect(faults).toEqual([]);
  });
});

describe("somebody else's", () => {
  it('collections all say whose their objects are', () => {
    const unnamed = withId()
      .filter(({ collection }) => !(collection in owners))
      .map(({ path }) => path);
    expect(unnamed).toEqual([]);
    expect(
      withId()
        .filter(({ collection }) => !(collection in world.a.objects))
        .map(({ path }) => path),
    ).toEqual([]);
  });

  it('object cannot be told from one that is not there, by any operation', async () => {
    const before = await databaseDigest(world.service.sql);
    const faults: string[] = [];
    for (const { role, key } of callers) {
      const theirs = withId().filter(
        (operation) => mayCall(role, operation) && isForeign(role, operation.collection),
      );
      expect(theirs.length > 0).toBe(['provider', 'agent', 'tenant'].includes(role));
      await inTurns(theirs, 8, async (operation) => {
        const own = world.a.objects;
        const foreign = await call(
          request(
            operation,
            { ...own, [operation.collection]: world.b.objects[operation.collection] ?? '' },
            key,
          ),
        );
        const unknown = await call(request(operation, { ...own, [operation.collection]: randomUUID() }, key));
        if (foreign.statusCode !== 404 || told(foreign) !== told(unknown))
          faults.push(
            `${role} ${operation.id}: ${foreign.statusCode} ${foreign.body}, but ${unknown.statusCode} ${unknown.body}`,
          );
      });
    }
    expect(faults).toEqual([]);
    expect(await databaseDigest(world.service.sql)).toEqual(before);
  });

  it('object cannot be told from one that is not there, where a body or parameter names it', async () => {
    const before = await databaseDigest(world.service.sql);
    const faults: string[] = [];
    for (const { role, key } of callers.filter((caller) =>
      ['provider', 'agent', 'tenant'].includes(caller.role),
    )) {
      const naming = guarded().filter(
        (operation) => mayCall(role, operation) && !operation.hasId && namesObjects(role, operation),
      );
      await inTurns(naming, 8, async (operation) => {
        const foreign = await call(request(operation, world.b.objects, key));
        const unknown = await call(request(operation, unknownIds(world.b.objects), key));
        const empty = operation.method === 'GET' && JSON.parse(foreign.body).items?.length === 0;
        const refused = [403, 404].includes(foreign.statusCode);
        if (!(refused || empty) || told(foreign) !== told(unknown))
          faults.push(
            `${role} ${operation.id}: ${foreign.statusCode} ${foreign.body}, but ${unknown.statusCode} ${unknown.body}`,
          );
      });
    }
    expect(faults).toEqual([]);
    expect(await databaseDigest(world.service.sql)).toEqual(before);
  });

  it('objects are in no list', async () => {
    const lists = guarded().filter((operation) =>
      parametersIn(operation, 'query').some(({ name }) => name === 'cursor'),
    );
    const faults: string[] = [];
    for (const { role, key } of callers) {
      const mine = lists.filter(
        (operation) => mayCall(role, operation) && isForeign(role, operation.collection),
      );
      await inTurns(mine, 8, async (operation) => {
        const { body } = await call(request(operation, world.a.objects, key));
        const id = world.b.objects[operation.collection] ?? world.b.objects.providers ?? '';
        if (body.includes(id)) faults.push(`${role} ${operation.id} shows ${id}`);
        if (!body.includes(world.a.objects[operation.collection] ?? ''))
          faults.push(`${role} ${operation.id} hides its own`);
      });
    }
    expect(faults).toEqual([]);
  });

  it('heartbeats are refused alike, whether there is such a node or not', async () => {
    const beat = (nodeId: string) => ({
      method: 'POST',
      url: '/v1/heartbeats',
      headers: { authorization: `Bearer ${world.a.agent}` },
      payload: { nodeId, sequence: 9, status: 'healthy' },
    });
    const foreign = await call(beat(world.b.objects.nodes ?? ''));
    const unknown = await call(beat(randomUUID()));
    expect([foreign.statusCode, codeOf(foreign)]).toEqual([403, 'heartbeat.foreign_node']);
    expect(told(foreign)).toBe(told(unknown));
  });
});

describe('a route', () => {
  it('without a permission keeps the service from starting', async () => {
    const { service } = world;
    const { app, close } = await createApplication(
      service.application.kernel.config,
      service.application.kernel.log,
    );
    try {
      expect(() => app.get('/v1/forgotten', async () => ({}))).toThrow(
        'GET /v1/forgotten declares no permission',
      );
      const misspelt = { config: { permission: 'gpus:reed' } };
      expect(() => app.get('/v1/misspelt', misspelt, async () => ({}))).toThrow('no permission gpus:reed');
    } finally {
      await close();
    }
  });
});

/** Whether the B side's objects of a collection are somebody else's to a caller of the A side. */
function isForeign(role: Role, collection: string): boolean {
  if (owners[collection] === 'provider') return role === 'provider' || role === 'agent';
  return owners[collection] === 'tenant' && role === 'tenant';
}

/** Whether the operation's input names objects that belong to one side. */
function namesObjects(role: Role, operation: Operation): boolean {
  const named = ['providerId', 'nodeId', 'gpuId', ...(role === 'tenant' ? [] : ['gpuIds'])];
  const fields = bodySchema(world.document, operation)?.properties ?? {};
  const required = parametersIn(operation, 'query').filter((parameter) => parameter.required);
  const isOwned = named.some(
    (name) => name in fields || required.some((parameter) => parameter.name === name),
  );
  return role !== 'tenant' && isOwned;
}

/** What an answer tells of its object: all but what is the request's own. */
function told({ statusCode, body }: Answer): string {
  const { instance, requestId, ...problem } = body === '' ? {} : JSON.parse(body);
  return JSON.stringify([statusCode, problem]).replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '…');
}

async function expectRefused(
  key: string | null,
  status: number,
  code: string,
  only: (operation: Operation) => boolean = () => true,
): Promise<void> {
  const before = await databaseDigest(world.service.sql);
  const faults: string[] = [];
  await inTurns(guarded().filter(only), 8, async (operation) => {
    const answer = await call(request(operation, world.a.objects, key));
    const isRight = answer.statusCode === status && codeOf(answer) === code;
    const asks = status !== 401 || String(answer.headers['www-authenticate']).startsWith('Bearer');
    if (!isRight || !asks) faults.push(`${operation.id}: ${answer.statusCode} ${answer.body}`);
    faults.push(...judge(operation, answer).map((fault) => `${operation.id}: ${fault}`));
  });
  expect(faults).toEqual([]);
  expect(await databaseDigest(world.service.sql)).toEqual(before);
}

/** An operator's key that no longer works. */
async function spoiltKey(state: string): Promise<string> {
  const operator = world.service.as();
  const { body } = await operator.post('/v1/api-keys').send({ name: state, role: 'operator' }).expect(201);
  const path = `/v1/api-keys/${body.id}`;
  if (state === 'revoked') await operator.delete(path).set('if-match', '*').expect(204);
  else {
    const patch = state === 'disabled' ? { disabled: true } : { expiresAt: '2020-01-01T00:00:00Z' };
    await operator.patch(path).set('if-match', '*').send(patch).expect(200);
  }
  return body.key;
}
