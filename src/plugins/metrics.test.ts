import { afterEach, describe, expect, it } from '@jest/globals';
import { edgeApp, send } from '../../test/support/edge-app.ts';
import { createMetrics, metrics } from './metrics.ts';
import type { App } from './server/server.ts';

let app: App | undefined;
afterEach(() => app?.close());

describe('a registry', () => {
  it('renders what anybody registered', async () => {
    const registry = createMetrics({ ofProcess: false });
    registry.counter('cache_lookups_total', 'Look-ups', ['outcome']).add(2, { outcome: 'hit' });
    registry.gauge('pool_connections', 'Connections', async () => 7);
    registry.histogram('flush_seconds', 'Flushes', { buckets: [0.1, 1] }).observe(0.5);
    const { contentType, text } = await registry.render();
    expect(contentType).toContain('text/plain');
    expect(text).toContain('cache_lookups_total{outcome="hit"} 2');
    expect(text).toContain('pool_connections 7');
    expect(text).toContain('flush_seconds_bucket{le="1"} 1');
  });

  it('shows a gauge that cannot be read as NaN, and keeps the others', async () => {
    const registry = createMetrics({ ofProcess: false });
    registry.gauge('pool_connections', 'Connections', () => Promise.reject(new Error('away')));
    registry.counter('things_total', 'Things').add();
    const { text } = await registry.render();
    expect(text).toContain('things_total 1');
    expect(text).toMatch(/^pool_connections nan$/im);
  });

  it('knows the process', async () => {
    expect((await createMetrics().render()).text).toContain('process_cpu_user_seconds_total');
  });
});

describe('the listener', () => {
  async function setup() {
    const lines: Record<string, unknown>[] = [];
    const registry = createMetrics({ ofProcess: false });
    app = await edgeApp({ onLog: (line) => lines.push(line) });
    await app.register(metrics, { metrics: registry, port: 0 });
    app.get('/things/:id', () => ({}));
    await send(app, '/things/1');
    const port = lines.find(({ msg }) => msg === 'metrics on loopback')?.port;
    return { app, url: `http://127.0.0.1:${port}` };
  }

  it('measures requests by template, never by path', async () => {
    const { app: server, url } = await setup();
    await send(server, '/things/2');
    await send(server, { method: 'PUT', url: '/things/3' });
    await send(server, '/nothing/4');
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain(
      'http_request_duration_seconds_count{method="GET",route="/things/:id",status="2xx"} 2',
    );
    expect(text).toContain(
      'http_request_duration_seconds_count{method="PUT",route="unmatched",status="4xx"} 1',
    );
    expect(text).toContain(
      'http_request_duration_seconds_count{method="GET",route="unmatched",status="4xx"} 1',
    );
  });

  it('serves nothing else, and /metrics is nowhere on the API', async () => {
    const { app: server, url } = await setup();
    expect((await fetch(`${url}/live`)).status).toBe(404);
    expect((await send(server, '/metrics')).statusCode).toBe(404);
  });

  it('closes with the application', async () => {
    const { app: server, url } = await setup();
    await server.close();
    await expect(fetch(`${url}/metrics`)).rejects.toThrow();
  });
});
