import { afterEach, describe, expect, it } from '@jest/globals';
import { edgeApp, send } from '../../test/support/edge-app.ts';
import { type Health, probes, type Readiness } from './probes.ts';
import type { App } from './server/server.ts';

let app: App;
afterEach(() => app.close());

const checks = { database: { status: 'ok' as const, latencyMs: 1.5, pool: { total: 3 } } };

async function ask(url: string, ready: Readiness, health: Health = { status: 'ok', checks }) {
  app = await edgeApp();
  await app.register(probes, { health: { ready: async () => ready, health: async () => health } });
  const { statusCode, headers, body } = await send(app, { url, headers: { accept: 'text/plain' } });
  return { statusCode, headers, body: JSON.parse(body) };
}

describe('the probes', () => {
  const ready: Readiness = { ok: true, status: 'ok', checks };

  it('say that the process lives', async () => {
    expect(await ask('/live', ready)).toMatchObject({ statusCode: 200, body: { status: 'ok' } });
  });

  it('say that it is ready, degraded or not', async () => {
    expect(await ask('/ready', { ...ready, status: 'degraded' })).toMatchObject({
      statusCode: 200,
      body: { status: 'degraded', checks },
    });
  });

  it.each(['migrations.pending', 'dependency.unavailable', 'service.starting', 'service.stopping'])(
    'say why it is not ready: %s',
    async (code) => {
      const down = { database: { status: 'unavailable' as const } };
      const reply = await ask('/ready', {
        ok: false,
        status: 'unavailable',
        code,
        detail: 'Not now.',
        checks: down,
      });
      expect(reply.headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '1' });
      expect(reply).toMatchObject({
        statusCode: 503,
        body: { status: 503, code, detail: 'Not now.', readiness: 'unavailable', checks: down },
      });
    },
  );

  it('show the health of everything, with what modules add', async () => {
    const health: Health = { status: 'degraded', checks, version: '1.2.3' };
    expect(await ask('/health', ready, health)).toMatchObject({ statusCode: 200, body: health });
  });
});
