import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { lastChange, versionFaults } from '../support/changes.ts';
import { type Answer, type Call, send } from '../support/edge-app.ts';
import { bodySchema, type JsonSchema, type Operation } from '../support/openapi.ts';
import { requestOf } from '../support/requests.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  expect(await versionFaults(world.service.sql)).toEqual([]);
  await world.stop();
});

/** Of these the example is refused in any world: it names a secret, or a state, that a test of its own sets up. */
const refusedExamples = [
  'announceMaintenance',
  'batchGpus',
  'createAllocation',
  'decideVerification',
  'enrollNode',
  'extendAllocation',
  'moveAllocation',
  'reportGpuCleaning',
  'submitEvidence',
];

const call = (request: Call): Promise<Answer> => send(world.service.application.app, request);

const keyed = (request: Call, key: string): Call => ({
  ...request,
  headers: { ...request.headers, 'idempotency-key': key },
});

const requestFor = (operation: Operation): Call => {
  const key = operation.collection === 'allocations' ? world.a.tenant : world.operator;
  return requestOf(world.document, operation, world.a.objects, operation.permission === null ? null : key);
};

const posts = () => world.operations.filter(({ method }) => method === 'POST');

describe('one Idempotency-Key, on every POST:', () => {
  it('twenty twins at once have one effect and one answer, and so has a later one', async () => {
    const refused: string[] = [];
    for (const operation of posts()) {
      const request = keyed(requestFor(operation), randomUUID());
      const twins = await Promise.all(Array.from({ length: 20 }, () => call(request)));
      const first = twins.find(
        ({ headers, statusCode }) => statusCode < 300 && headers['idempotency-replayed'] === undefined,
      );
      if (first === undefined) {
        refused.push(operation.id);
        continue;
      }
      const before = await lastChange(world.service.sql);
      const replay = await call(request);
      expect([operation.id, ...faultsOf(first, [...twins, replay])]).toEqual([operation.id]);
      expect(replay.headers['idempotency-replayed']).toBe('true');
      expect(await lastChange(world.service.sql)).toBe(before);
    }
    expect(refused.sort()).toEqual(refusedExamples);
  });

  it('with another body is answered 422', async () => {
    const faults: string[] = [];
    for (const operation of posts().filter(({ id }) => !refusedExamples.includes(id))) {
      const request = requestFor(operation);
      const other = otherBody(
        bodySchema(world.document, operation),
        request.payload as Record<string, unknown>,
      );
      if (other === null) continue;
      const key = randomUUID();
      await call(keyed(request, key));
      const { statusCode, body } = await call(keyed({ ...request, payload: other }, key));
      if (statusCode !== 422 || JSON.parse(body).code !== 'idempotency.key_reused')
        faults.push(`${operation.id}: ${statusCode} ${body}`);
    }
    expect(faults).toEqual([]);
  });
});

describe('an Idempotency-Key', () => {
  it('belongs to its owner: the same text is another key to somebody else', async () => {
    const key = randomUUID();
    const create = (side: World['a']) =>
      call(
        keyed(
          {
            method: 'POST',
            url: '/v1/nodes',
            headers: { authorization: `Bearer ${side.provider}` },
            payload: { providerId: side.objects.providers, hostname: 'same' },
          },
          key,
        ),
      );
    const [a, b] = [await create(world.a), await create(world.b)];
    expect([a.statusCode, b.statusCode]).toEqual([201, 201]);
    expect(JSON.parse(a.body).id).not.toBe(JSON.parse(b.body).id);
  });

  it('belongs to its operation: the same text is another key elsewhere', async () => {
    const key = randomUUID();
    const operator = world.service.as().set('idempotency-key', key);
    await operator.post('/v1/tenants').send({ name: 'same' }).expect(201);
    await operator.post('/v1/api-keys').send({ name: 'same', role: 'viewer' }).expect(201);
  });

  it('is free again after an error', async () => {
    const key = randomUUID();
    const operator = world.service.as().set('idempotency-key', key);
    const node = { hostname: `node-${randomUUID()}` };
    await operator
      .post('/v1/nodes')
      .send({ ...node, providerId: randomUUID() })
      .expect(404);
    await operator
      .post('/v1/nodes')
      .send({ ...node, providerId: world.a.objects.providers })
      .expect(201);
  });

  it('is the same with quotes and without', async () => {
    const key = randomUUID();
    const tenant = { name: 'quoted' };
    const bare = await world.service
      .as()
      .post('/v1/tenants')
      .set('idempotency-key', key)
      .send(tenant)
      .expect(201);
    const quoted = await world.service
      .as()
      .post('/v1/tenants')
      .set('idempotency-key', `"${key}"`)
      .send(tenant)
      .expect(201);
    expect(quoted.body).toEqual(bare.body);
  });

  it('does not open a secret reply to another key of the same owner', async () => {
    const key = randomUUID();
    const token = {
      method: 'POST',
      url: `/v1/providers/${world.a.objects.providers}/enrollment-tokens`,
      payload: {},
    };
    const as = (secret: string) =>
      call(keyed({ ...token, headers: { authorization: `Bearer ${secret}` } }, key));
    const first = await as(world.a.provider);
    const { body } = await world.service
      .as()
      .post('/v1/api-keys')
      .send({ name: 'second', role: 'provider', providerId: world.a.objects.providers })
      .expect(201);
    const second = await as(body.key);
    expect([first.statusCode, second.statusCode]).toEqual([201, 422]);
    expect((await as(world.a.provider)).body).toBe(first.body);
  });
});

/** What is wrong with the answers of twins: each is the first one's again, or says that it is still being served. */
function faultsOf(first: Answer, answers: readonly Answer[]): string[] {
  const fresh = answers.filter(
    ({ headers, statusCode }) => statusCode < 300 && headers['idempotency-replayed'] === undefined,
  );
  const odd = answers.filter(
    ({ statusCode, body }) =>
      !(statusCode === first.statusCode && body === first.body) && !body.includes('idempotency.in_progress'),
  );
  return [
    ...(fresh.length === 1 ? [] : [`${fresh.length} effects`]),
    ...odd.map(({ statusCode, body }) => `${statusCode} ${body}`),
  ];
}

/** A body that is as valid and says something else; null where the schema leaves no choice. */
function otherBody(schema: JsonSchema | null, body: Record<string, unknown>): Record<string, unknown> | null {
  for (const [name, { type, enum: words, pattern, format, maximum }] of Object.entries(
    schema?.properties ?? {},
  )) {
    const value = body[name];
    const isFree = !words && !pattern && !format;
    if ([type].flat().includes('string') && typeof value === 'string' && isFree)
      return { ...body, [name]: `${value} too` };
    if (typeof value === 'number' && value !== maximum) return { ...body, [name]: value + 1 };
    const word = words?.find((other) => other !== value && other !== null);
    if (word !== undefined && name !== 'role' && value !== undefined) return { ...body, [name]: word };
  }
  return null;
}
