import { afterEach, describe, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { edgeApp, send } from '../../test/support/edge-app.ts';
import { type RateLimitOptions, rateLimit } from './rate-limit.ts';
import type { App } from './server/server.ts';

let app: App;
afterEach(() => app.close());

const quotas = { read: 2, write: 1, claim: 1, auth: 1, ingest: 1 };

async function setup(options: Partial<RateLimitOptions> = {}): Promise<void> {
  app = await edgeApp();
  await app.register(rateLimit, {
    enabled: true,
    keyOf: ({ headers }) => headers.authorization ?? null,
    quotas,
    clock: { now: () => 90_000 },
    ...options,
  });
  app.get('/things', () => ({}));
  app.post('/things', { schema: { body: Type.Object({}) } }, () => ({}));
  app.post('/allocations', { config: { rateLimit: 'claim' } }, () => ({}));
  app.post('/registrations', { config: { rateLimit: 'auth' } }, () => ({}));
  app.get('/live', { config: { probe: true } }, () => ({}));
  app.get('/free', { config: { rateLimit: false } }, () => ({}));
}

const call = (method: string, url: string, key = 'a') =>
  send(app, { method, url, headers: { authorization: key } });

async function statuses(count: number, method: string, url: string, key?: string): Promise<number[]> {
  const seen: number[] = [];
  for (let i = 0; i < count; i++) seen.push((await call(method, url, key)).statusCode);
  return seen;
}

describe('a limit', () => {
  it('tells where the caller stands, and answers 429 beyond', async () => {
    await setup();
    expect((await call('GET', '/things')).headers).toMatchObject({
      ratelimit: '"read";r=1;t=30',
      'ratelimit-policy': '"read";q=2;w=60',
    });
    await call('GET', '/things');
    const refused = await call('GET', '/things');
    expect(refused.statusCode).toBe(429);
    expect(refused.headers).toMatchObject({
      ratelimit: '"read";r=0;t=30',
      'retry-after': '30',
      'content-type': 'application/problem+json',
    });
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'request.rate_limited', status: 429 });
  });

  it('counts each class and each key for itself', async () => {
    await setup();
    expect(await statuses(3, 'GET', '/things')).toEqual([200, 200, 429]);
    expect(await statuses(2, 'POST', '/allocations')).toEqual([200, 429]);
    expect(await statuses(1, 'GET', '/things', 'b')).toEqual([200]);
  });

  it('comes before the body is looked at', async () => {
    await setup();
    expect(await statuses(2, 'POST', '/things')).toEqual([400, 429]);
  });

  it('of routes that give out keys goes by address', async () => {
    await setup();
    expect(await statuses(1, 'POST', '/registrations', 'a')).toEqual([200]);
    expect(await statuses(1, 'POST', '/registrations', 'b')).toEqual([429]);
  });

  it('does not hold for probes and free routes', async () => {
    await setup();
    expect(await statuses(4, 'GET', '/live')).toEqual([200, 200, 200, 200]);
    expect(await statuses(4, 'GET', '/free')).toEqual([200, 200, 200, 200]);
  });

  it('is nowhere when turned off', async () => {
    await setup({ enabled: false });
    expect(await statuses(4, 'GET', '/things')).toEqual([200, 200, 200, 200]);
    expect((await call('GET', '/things')).headers).not.toHaveProperty('ratelimit');
  });

  it('works on while the shared counters hang', async () => {
    await setup({ shared: { add: () => new Promise(() => {}) }, shareEveryMs: 1 });
    expect(await statuses(3, 'GET', '/things')).toEqual([200, 200, 429]);
  });
});
