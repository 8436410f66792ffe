import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyRequest } from 'fastify';
import { type Answer, type Call, edgeApp, send } from '../../test/support/edge-app.ts';
import type { IdempotencyRequest, Principal } from '../kernel/context.ts';
import { anonymous, authPlugin } from './auth.ts';
import { idempotencyPlugin } from './idempotency.ts';
import type { App } from './server/server.ts';

let app: App;
let prepared: (IdempotencyRequest | null)[];

/** Routes that note what the plugin has prepared; who calls is what the Authorization header says, as JSON. */
beforeEach(async () => {
  prepared = [];
  app = await edgeApp();
  await app.register(authPlugin, {
    access: {
      recall: () => null,
      authenticate: async ({ headers }) => ({ ...anonymous, ...JSON.parse(headers.authorization ?? '{}') }),
      authorize: () => {},
      isPermission: () => true,
    },
    failures: null,
  });
  await app.register(idempotencyPlugin);
  const note = ({ ctx: { idempotency } }: FastifyRequest) => {
    prepared.push(idempotency);
    if (idempotency) idempotency.replayed = true;
    return {};
  };
  const config = { permission: 'things:write' };
  app.route({ method: ['GET', 'POST', 'PATCH'], url: '/things/:id', config, handler: note });
  app.post('/others/:id', { config }, note);
  app.post('/secrets', { config: { ...config, secretReply: true } }, note);
  app.post('/open', { config: { public: true } }, note);
});
afterEach(() => app.close());

const operator = { keyId: 'k1', role: 'operator' } as const;

function post(key: string, as: Partial<Principal> = operator, call: Partial<Call> = {}): Promise<Answer> {
  const headers = { 'idempotency-key': key, authorization: JSON.stringify(as) };
  return send(app, { method: 'POST', url: '/things/1', payload: {}, headers, ...call });
}

/** What the plugin prepares of a call. */
async function prepare(...call: Parameters<typeof post>): Promise<IdempotencyRequest> {
  await post(...call);
  const request = prepared.pop();
  if (!request) throw new Error('nothing was prepared');
  return request;
}

const hex = ({ id, fingerprint, sealKey }: IdempotencyRequest) => ({
  id: id.toString('hex'),
  fingerprint: fingerprint.toString('hex'),
  sealKey: sealKey.toString('hex'),
});

describe('the header', () => {
  it.each([
    ['one character', 'k'],
    ['255 characters', 'k'.repeat(255)],
    ['255 quoted characters', `"${'k'.repeat(255)}"`],
    ['every visible character', Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).join('')],
  ])('may be %s', async (_what, key) => {
    expect((await post(key)).statusCode).toBe(200);
    expect(prepared[0]).toMatchObject({ id: expect.any(Buffer), fingerprint: expect.any(Buffer) });
  });

  it.each([
    ['empty', ''],
    ['empty quotes', '""'],
    ['256 characters', 'k'.repeat(256)],
    ['256 quoted characters', `"${'k'.repeat(256)}"`],
    ['a space inside', 'a b'],
    ['a quoted space', '"a b"'],
    ['no ASCII', Buffer.from('schlüssel').toString('latin1')],
    ['a control character', 'a\tb'],
  ])('cannot be %s, 400', async (_what, key) => {
    const { statusCode, body } = await post(key);
    expect([statusCode, JSON.parse(body).errors]).toEqual([
      400,
      [{ pointer: 'Idempotency-Key', detail: 'must be 1 to 255 visible ASCII characters' }],
    ]);
    expect(prepared).toEqual([]);
  });

  it('is the same quoted and bare', async () => {
    expect(hex(await prepare('"a-key"'))).toEqual(hex(await prepare('a-key')));
  });

  it('counts on POST only, and may be left out there', async () => {
    for (const method of ['GET', 'PATCH']) await post('k', operator, { method, url: '/things/1' });
    const authorization = JSON.stringify(operator);
    await send(app, { method: 'POST', url: '/things/1', headers: { authorization }, payload: {} });
    expect(prepared).toEqual([null, null, null]);
  });

  it('is answered with Idempotency-Replayed where the reply is a kept one', async () => {
    expect((await post('k')).headers['idempotency-replayed']).toBe('true');
    const authorization = JSON.stringify(operator);
    const plain = await send(app, { method: 'POST', url: '/things/1', headers: { authorization } });
    expect(plain.headers['idempotency-replayed']).toBeUndefined();
  });
});

describe('the scope of a key', () => {
  const idOf = async (...call: Parameters<typeof prepare>) => (await prepare(...call)).id.toString('hex');
  const tenant = (tenantId: string, keyId = 'k') => ({ keyId, role: 'tenant' as const, tenantId });

  it('is its owner: all keys of a tenant, all operators', async () => {
    expect(await idOf('k', tenant('t1', 'a'))).toBe(await idOf('k', tenant('t1', 'b')));
    expect(await idOf('k', { ...operator, keyId: 'a' })).toBe(await idOf('k', { ...operator, keyId: 'b' }));
  });

  it('is never shared with another owner', async () => {
    const owners: Partial<Principal>[] = [
      operator,
      tenant('t1'),
      tenant('t2'),
      { role: 'provider', keyId: 'a', providerId: 't1' },
      { role: 'agent', keyId: 'a', providerId: 't1', nodeId: 'n1' },
      { role: 'agent', keyId: 'a', providerId: 't1', nodeId: 'n2' },
      { role: 'verifier', keyId: 'v1' },
      { role: 'verifier', keyId: 'v2' },
    ];
    const ids = [];
    for (const owner of owners) ids.push(await idOf('k', owner));
    expect(new Set(ids).size).toBe(owners.length);
  });

  it('is the address where no key is needed', async () => {
    const call = { url: '/open', headers: { 'idempotency-key': 'k' } };
    expect(await idOf('k', {}, call)).toBe(await idOf('k', {}, call));
  });

  it('is one operation, whatever the object', async () => {
    const ids = [await idOf('k'), await idOf('k', operator, { url: '/things/2' })];
    expect(new Set(ids).size).toBe(1);
    expect(ids).not.toContain(await idOf('k', operator, { url: '/others/1' }));
    expect(ids).not.toContain(await idOf('other'));
  });
});

describe('the fingerprint', () => {
  const printOf = async (call: Partial<Call>) =>
    (await prepare('k', operator, call)).fingerprint.toString('hex');

  it('is the same for the same request in other words', async () => {
    expect(await printOf({ payload: { a: 1, b: [2] } })).toBe(await printOf({ payload: { b: [2], a: 1 } }));
  });

  it('tells bodies and objects apart', async () => {
    const calls: Partial<Call>[] = [
      { payload: {} },
      { payload: { a: 1 } },
      { payload: { a: '1' } },
      { payload: { a: null } },
      { payload: '' },
      { url: '/things/2' },
    ];
    const prints = [];
    for (const call of calls) prints.push(await printOf(call));
    expect(new Set(prints).size).toBe(calls.length);
  });
});

describe('the key that a kept reply is sealed with', () => {
  const sealOf = async (...call: Parameters<typeof prepare>) =>
    (await prepare(...call)).sealKey.toString('hex');

  it('follows from the caller’s idempotency key, which is not stored', async () => {
    expect(await sealOf('k')).toBe(await sealOf('k'));
    expect(await sealOf('k')).not.toBe(await sealOf('l'));
  });

  it('follows from the API key as well where the reply shows a secret', async () => {
    const secrets = { url: '/secrets' };
    const other = { ...operator, keyId: 'k2' };
    expect(await sealOf('k', operator, secrets)).not.toBe(await sealOf('k', other, secrets));
    expect(await sealOf('k', operator)).toBe(await sealOf('k', other));
  });
});
