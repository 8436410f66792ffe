import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { edgeApp, send } from '../../../test/support/edge-app.ts';
import { openapi } from '../openapi/openapi.ts';
import type { App } from '../server/server.ts';
import { docsPages } from './pages.ts';

let app: App;

beforeAll(async () => {
  app = await edgeApp();
  await app.register(openapi, { version: '1.0.0', contact: { name: 'Us' }, tags: [] });
  await app.register(docsPages, {
    errors: '| `gpu.unavailable` | 409 | "taken" <b> |\n`gpu.unavailable`\n`internal`',
  });
});
afterAll(() => app.close());

const open = (url: string) => send(app, { url, headers: { accept: 'text/html' } });

it('load all they need from here, under a policy that lets nothing else in', async () => {
  const page = await open('/docs');
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
  const policy = String(page.headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'; script-src 'self'");
  expect(policy).not.toMatch(/https:|upgrade-insecure-requests/);
  const assets = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = '']) => `/${url}`);
  expect(assets).toHaveLength(4);
  for (const url of assets) expect([url, (await open(url)).statusCode]).toEqual([url, 200]);
});

it('ask no outside validator and keep the key', async () => {
  const script = (await open('/docs/start.js')).body;
  expect(script).toContain('"validatorUrl": null');
  expect(script).toContain('"persistAuthorization": true');
});

it('describe each code under the fragment of its type, and run nothing that stands in the text', async () => {
  const page = (await open('/docs/errors')).body;
  expect(page.match(/id="gpu\.unavailable"/g)).toHaveLength(1);
  expect(page).toContain('id="internal"');
  expect(page).toContain('&quot;taken&quot; &lt;b&gt;');
});

it('are found with a slash at the end too', async () => {
  expect(await open('/docs/')).toMatchObject({ statusCode: 308, headers: { location: '../docs' } });
});

it('answer an unknown page with a problem', async () => {
  expect((await open('/docs/none.js')).headers['content-type']).toBe('application/problem+json');
});
