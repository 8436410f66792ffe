import { afterEach, describe, expect, it } from '@jest/globals';
import type { FastifyPluginAsync } from 'fastify';
import { edgeApp, send } from '../../test/support/edge-app.ts';
import type { Principal } from '../kernel/context.ts';
import { AppError, forbidden } from '../kernel/errors.ts';
import { FailureLimiter } from '../kernel/rates/failure-limiter.ts';
import { type Access, anonymous, authPlugin } from './auth.ts';
import type { App } from './server/server.ts';

const viewer: Principal = { ...anonymous, keyId: 'k1' };

/** Knows one key, `good`, which may read. */
const access: Access = {
  recall: () => null,
  async authenticate({ headers }) {
    if (headers.authorization === 'Bearer good') return viewer;
    throw new AppError(401, 'auth.invalid_key', 'This API key is not known.');
  },
  authorize(_principal, permission) {
    if (permission !== 'things:read') throw forbidden('This key may read only.');
  },
  isPermission: (name) => name.startsWith('things:'),
};

let app: App;
afterEach(() => app.close());

async function setup(failures: FailureLimiter | null = null): Promise<void> {
  app = await edgeApp();
  await app.register(authPlugin, { access, failures });
}

const good = { authorization: 'Bearer good' };
const codeOf = ({ statusCode, body }: { statusCode: number; body: string }) => [
  statusCode,
  JSON.parse(body).code,
];

describe('a route', () => {
  it.each([
    ['neither a permission nor `public`', {}, 'GET /things declares no permission'],
    ['a permission that nobody knows', { permission: 'thing:read' }, 'no permission thing:read'],
  ])('that declares %s stops the service from starting', async (_what, config, message) => {
    await setup();
    expect(() => app.get('/things', { config }, () => ({}))).toThrow(message);
  });

  it('that declares nothing stops the service from starting in a scope of its own, too', async () => {
    await setup();
    const scope: FastifyPluginAsync = async (inner) => {
      inner.post('/deep', () => ({}));
    };
    app.register(scope);
    await expect(app.ready()).rejects.toThrow('POST /deep declares no permission');
  });

  it('with a permission is served to who has it', async () => {
    await setup();
    app.get('/things', { config: { permission: 'things:read' } }, ({ ctx }) => ({
      key: ctx.principal.keyId,
    }));
    app.delete('/things', { config: { permission: 'things:write' } }, () => ({}));
    expect(await send(app, { url: '/things', headers: good })).toMatchObject({
      statusCode: 200,
      body: '{"key":"k1"}',
    });
    expect(codeOf(await send(app, '/things'))).toEqual([401, 'auth.invalid_key']);
    expect(codeOf(await send(app, { method: 'DELETE', url: '/things', headers: good }))).toEqual([
      403,
      'auth.forbidden',
    ]);
  });

  it('is served to whom we remember without a look, and to nobody else', async () => {
    app = await edgeApp();
    const recall: Access['recall'] = ({ headers }) =>
      headers.authorization === 'Bearer known' ? viewer : null;
    await app.register(authPlugin, { access: { ...access, recall }, failures: null });
    app.get('/things', { config: { permission: 'things:read' } }, ({ ctx }) => ctx.principal.keyId);
    app.delete('/things', { config: { permission: 'things:write' } }, () => ({}));
    const known = { authorization: 'Bearer known' };
    expect(await send(app, { url: '/things', headers: known })).toMatchObject({
      statusCode: 200,
      body: 'k1',
    });
    expect(codeOf(await send(app, { method: 'DELETE', url: '/things', headers: known }))).toEqual([
      403,
      'auth.forbidden',
    ]);
    expect(codeOf(await send(app, '/things'))).toEqual([401, 'auth.invalid_key']);
  });

  it('is as closed to HEAD as to GET', async () => {
    await setup();
    app.get('/things', { config: { permission: 'things:read' } }, () => ({}));
    expect((await send(app, { method: 'HEAD', url: '/things' })).statusCode).toBe(401);
    expect((await send(app, { method: 'HEAD', url: '/things', headers: good })).statusCode).toBe(200);
  });

  it('that is public is served to nobody by name', async () => {
    await setup();
    app.get('/open', { config: { public: true } }, ({ ctx }) => ctx.principal);
    const { statusCode, body } = await send(app, '/open');
    expect([statusCode, JSON.parse(body)]).toEqual([200, { ...anonymous }]);
  });
});

describe('an unknown path', () => {
  it('needs no key to be 404', async () => {
    await setup();
    expect(codeOf(await send(app, '/nothing'))).toEqual([404, 'request.route_not_found']);
  });
});

describe('bad keys from one address', () => {
  it('turn into 429, and good ones go on', async () => {
    await setup(new FailureLimiter({ now: () => 0 }, { limit: 2 }));
    app.get('/things', { config: { permission: 'things:read' } }, () => ({}));
    const codes = [];
    for (let i = 0; i < 3; i++) codes.push(codeOf(await send(app, '/things')));
    expect(codes).toEqual([
      [401, 'auth.invalid_key'],
      [401, 'auth.invalid_key'],
      [429, 'request.rate_limited'],
    ]);
    const limited = await send(app, '/things');
    expect(limited.headers['retry-after']).toBe('60');
    expect((await send(app, { url: '/things', headers: good })).statusCode).toBe(200);
  });

  it('do not count where the key could not be looked up', async () => {
    app = await edgeApp();
    const away = async () => {
      throw new AppError(503, 'dependency.unavailable', 'The database is away.');
    };
    const failures = new FailureLimiter({ now: () => 0 }, { limit: 1 });
    await app.register(authPlugin, { access: { ...access, authenticate: away }, failures });
    app.get('/things', { config: { permission: 'things:read' } }, () => ({}));
    for (let i = 0; i < 3; i++) expect((await send(app, '/things')).statusCode).toBe(503);
  });
});
