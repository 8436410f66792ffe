import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { type Answer, type Call, send } from '../support/edge-app.ts';
import type { Operation } from '../support/openapi.ts';
import { requestOf } from '../support/requests.ts';
import { createWorld, type Side, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  expect(await versionFaults(world.service.sql)).toEqual([]);
  await world.stop();
});

const call = (request: Call): Promise<Answer> => send(world.service.application.app, request);

function requestFor(operation: Operation, headers: Record<string, string> = {}, side: Side = world.a): Call {
  const key = operation.collection === 'allocations' ? side.tenant : world.operator;
  const request = requestOf(world.document, operation, side.objects, key);
  return { ...request, headers: { ...request.headers, ...headers } };
}

const methodIs = (...methods: string[]) => world.operations.filter(({ method }) => methods.includes(method));
const versioned = () => methodIs('GET').filter(({ responses }) => '304' in responses);

describe('every GET of one object', () => {
  it('sends its version as ETag', async () => {
    for (const operation of versioned()) {
      const { statusCode, headers, body } = await call(requestFor(operation));
      expect([operation.id, statusCode, headers.etag]).toEqual([
        operation.id,
        200,
        `"${JSON.parse(body).version}"`,
      ]);
      expect(headers['cache-control']).toBe('private, no-cache');
    }
  });

  it('answers 304 without a body while the version stands, 200 for any other, 400 for what is no tag', async () => {
    for (const operation of versioned()) {
      const { etag = '' } = (await call(requestFor(operation))).headers;
      const asked = (tag: string) => call(requestFor(operation, { 'if-none-match': tag }));
      const statuses: [string, number][] = [
        [etag, 304],
        [`W/${etag}`, 304],
        [`"0", ${etag}`, 304],
        ['*', 304],
        ['"0"', 200],
        ['"x"', 200],
        ['x', 400],
      ];
      for (const [tag, status] of statuses) {
        const answer = await asked(tag);
        expect([operation.id, tag, answer.statusCode]).toEqual([operation.id, tag, status]);
        if (status === 304) expect([answer.body, answer.headers.etag]).toEqual(['', etag]);
      }
    }
  });

  it('shows what was made at the address that Location names', async () => {
    const readable = new Set(methodIs('GET').map(({ path }) => path));
    for (const operation of methodIs('POST').filter(({ responses }) => '201' in responses)) {
      const made = await call(requestFor(operation));
      const { location = '' } = made.headers;
      if (made.statusCode !== 201 || !readable.has(location.replace(/[^/]+$/, '{id}'))) continue;
      const key = operation.collection === 'allocations' ? world.a.tenant : world.operator;
      const found = await call({ url: location, headers: { authorization: `Bearer ${key}` } });
      expect([operation.id, location, found.statusCode]).toEqual([operation.id, location, 200]);
      expect(found.headers.etag).toBe(made.headers.etag ?? found.headers.etag);
    }
  });
});

describe('every PATCH', () => {
  it('of a stale version is answered 412 with the current one, which then works', async () => {
    for (const operation of methodIs('PATCH')) {
      const stale = await call(requestFor(operation, { 'if-match': '"999999"' }));
      const { code, currentVersion } = JSON.parse(stale.body);
      expect([operation.id, stale.statusCode, code]).toEqual([operation.id, 412, 'request.version_conflict']);
      expect(stale.headers.etag).toBe(`"${currentVersion}"`);
      const fresh = await call(requestFor(operation, { 'if-match': stale.headers.etag ?? '' }));
      expect([operation.id, fresh.statusCode]).toEqual([operation.id, 200]);
      expect(fresh.headers.etag).toBe(`"${JSON.parse(fresh.body).version}"`);
    }
  });

  it('that changes nothing makes no version', async () => {
    for (const operation of methodIs('PATCH')) {
      const first = JSON.parse((await call(requestFor(operation))).body);
      const second = JSON.parse((await call(requestFor(operation))).body);
      expect([operation.id, second.version]).toEqual([operation.id, first.version]);
    }
  });

  it('of one version by ten at once is won by one', async () => {
    for (const operation of methodIs('PATCH')) {
      const { etag = '' } = (await call(requestFor(operation))).headers;
      const named =
        operation.id === 'updateGpuModel' ||
        operation.id === 'updateTenant' ||
        operation.id === 'updateApiKey';
      const payload = () => {
        if (operation.id === 'updateMaintenanceWindow') return { reason: randomUUID() };
        return named ? { name: `Name ${randomUUID()}` } : { labels: { turn: randomUUID() } };
      };
      const answers = await Promise.all(
        Array.from({ length: 10 }, () =>
          call({ ...requestFor(operation, { 'if-match': etag }), payload: payload() }),
        ),
      );
      const statuses = answers.map(({ statusCode }) => statusCode).sort();
      expect([operation.id, statuses]).toEqual([
        operation.id,
        [200, ...Array.from({ length: 9 }, () => 412)],
      ]);
    }
  });
});

it('every action on a stale version is answered 412 with the current one', async () => {
  // A precondition speaks of what would be done otherwise (RFC 9110, 13.2.1): here nonce and evidence decide before.
  const refused = ['submitEvidence', 'decideVerification'];
  const actions = methodIs('POST').filter(
    ({ id, parameters }) => !refused.includes(id) && parameters.some(({ name }) => name === 'If-Match'),
  );
  expect(actions.length).toBeGreaterThan(3);
  for (const operation of actions) {
    const { statusCode, headers, body } = await call(requestFor(operation, { 'if-match': '"999999"' }));
    expect([operation.id, statusCode, JSON.parse(body).code]).toEqual([
      operation.id,
      412,
      'request.version_conflict',
    ]);
    expect(headers.etag).toMatch(/^"\d+"$/);
  }
});

it('every DELETE ends an object: afterwards all operations on it are answered 404', async () => {
  const order = ['revokeApiKey', 'deleteGpu', 'deleteNode', 'deleteProvider'];
  const deletions = methodIs('DELETE').toSorted((x, y) => order.indexOf(x.id) - order.indexOf(y.id));
  const { b } = world;
  await call({
    method: 'POST',
    url: `/v1/allocations/${b.objects.allocations}/release`,
    headers: { authorization: `Bearer ${b.tenant}` },
  });
  for (const deletion of deletions) {
    const deleted = await call(requestFor(deletion, {}, b));
    expect([deletion.id, deleted.statusCode, deleted.body]).toEqual([deletion.id, 204, '']);
    const onIt = world.operations.filter(
      ({ hasId, collection }) => hasId && collection === deletion.collection,
    );
    for (const operation of onIt) {
      const { statusCode, body } = await call(requestFor(operation, {}, b));
      expect([operation.id, statusCode, JSON.parse(body).code]).toEqual([
        operation.id,
        404,
        expect.stringMatching(/^\w+\.not_found$/),
      ]);
    }
  }
});
