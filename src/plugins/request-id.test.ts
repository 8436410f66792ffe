import { afterEach, describe, expect, it } from '@jest/globals';
import { edgeApp, send } from '../../test/support/edge-app.ts';
import type { App } from './server/server.ts';

let app: App;
const lines: Record<string, unknown>[] = [];
afterEach(() => app?.close());

async function idOf(headers: Record<string, string>): Promise<string> {
  app = await edgeApp({ onLog: (line) => lines.push(line) });
  app.get('/things', () => ({}));
  return String((await send(app, { url: '/things', headers })).headers['x-request-id']);
}

describe('the request id', () => {
  it.each(['abc', 'A.b_c-1', 'x'.repeat(64)])('is the one that the caller sent: %s', async (id) => {
    expect(await idOf({ 'x-request-id': id })).toBe(id);
  });

  it.each(['', 'x'.repeat(65), 'a b', 'a;b', 'é'])('is made when the caller sent %p', async (id) => {
    expect(await idOf(id === '' ? {} : { 'x-request-id': id })).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('stands in each line of the log, next to the trace', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    await idOf({ 'x-request-id': 'log-1', traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
    expect(lines.filter(({ requestId }) => requestId === 'log-1')).toEqual([
      expect.objectContaining({
        traceId,
        parentId: '00f067aa0ba902b7',
        method: 'GET',
        path: '/things',
        status: 200,
      }),
    ]);
  });
});
