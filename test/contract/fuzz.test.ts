import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { valuesOf } from '../support/arbitrary.ts';
import { versionFaults } from '../support/changes.ts';
import { databaseDigest } from '../support/database-digest.ts';
import { type Answer, type Call, send } from '../support/edge-app.ts';
import { oddTexts } from '../support/hostile-values.ts';
import { judgeOf } from '../support/judge.ts';
import { type JsonSchema, type Operation, parametersIn } from '../support/openapi.ts';
import { requestOf, withIds, withQuery } from '../support/requests.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let judge: (operation: Operation, answer: Answer) => string[];

beforeAll(async () => {
  world = await createWorld();
  judge = judgeOf(world.document);
});
afterAll(async () => {
  expect(await versionFaults(world.service.sql)).toEqual([]);
  await world.stop();
});

/** What a caller may mean well, as far as a schema can say; the seed of a failure is in its message. */
describe('whatever fits the document gets a documented answer, and an error changes nothing:', () => {
  it('examples are taken as they stand', async () => {
    const refused: string[] = [];
    for (const operation of withBody()) {
      const answer = await send(world.service.application.app, request(operation));
      expect(judge(operation, answer)).toEqual([]);
      // An id of the example is nobody's, and a challenge answers once.
      if (![200, 201, 202, 204, 404, 409].includes(answer.statusCode) && operation.id !== 'enrollNode')
        refused.push(`${operation.id}: ${answer.body}`);
    }
    expect(refused).toEqual([]);
  });

  it('generated bodies, which are taken unless a rule speaks against them that no schema can say', async () => {
    for (const operation of withBody()) {
      const bodies = valuesOf(world.document, operation.body as JsonSchema) as fc.Arbitrary<
        Record<string, unknown>
      >;
      const statuses = await holds(operation, bodies, (body) => ({
        ...request(operation),
        payload: withIds(body, world.a.objects),
      }));
      if (!withFurtherRules.has(operation.id))
        expect([operation.id, statuses]).toEqual([operation.id, expect.not.arrayContaining([400])]);
    }
  });

  it('odd texts in every parameter', async () => {
    for (const operation of withQueries()) {
      const texts = parametersIn(operation, 'query').filter(({ schema }) => schema.type === 'string');
      const queries = fc.tuple(fc.constantFrom(...texts), fc.constantFrom(...oddTexts));
      await holds(operation, queries, ([{ name }, text]) =>
        withQuery(request(operation), `${name}=${encodeURIComponent(text)}`),
      );
    }
  });

  it('generated parameters, many at once', async () => {
    for (const operation of withQueries()) {
      const one = fc.constantFrom(
        ...parametersIn(operation, 'query').filter(
          ({ name }) => name !== 'cursor' && !name.endsWith('.in') && !name.endsWith('.nin'),
        ),
      );
      const pair = one.chain(({ name, schema }) =>
        fc.tuple(fc.constant(name), valuesOf(world.document, schema)),
      );
      const queries = fc.uniqueArray(pair, { selector: ([name]) => name, minLength: 1, maxLength: 6 });
      await holds(operation, queries, (pairs) =>
        withQuery(
          request(operation),
          pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&'),
        ),
      );
    }
  });

  it('any JSON at all as a body', async () => {
    for (const operation of withBody())
      await holds(operation, fc.json(), (payload) => ({
        ...request(operation),
        headers: { ...request(operation).headers, 'content-type': 'application/json' },
        payload,
      }));
  });
});

/** Fields that go together, times that lie ahead, ids that hang together. */
const withFurtherRules = new Set([
  'createApiKey',
  'updateApiKey',
  'createGpuModel',
  'updateGpuModel',
  'createGpu',
  'batchGpus',
  'putNodeInventory',
  'putGpuProcesses',
  'createAllocation',
  'findCandidates',
  'drainNode',
  'moveAllocation',
  'announceMaintenance',
  'updateMaintenanceWindow',
  'recordBenchmark',
  'recordHealthCheck',
  'submitEvidence',
  'decideVerification',
]);

/** By the one who would send it: tenants allocate, operators do all else. */
const request = (operation: Operation) => {
  const key = operation.collection === 'allocations' ? world.a.tenant : world.operator;
  return requestOf(world.document, operation, world.a.objects, key);
};
const withBody = () => world.operations.filter(({ body }) => body !== null);
const withQueries = () =>
  world.operations.filter(
    (operation) => parametersIn(operation, 'query').length > 0 && operation.method === 'GET',
  );

async function holds<T>(
  operation: Operation,
  values: fc.Arbitrary<T>,
  callOf: (value: T) => Call,
): Promise<number[]> {
  const runs = { numRuns: 12, endOnFailure: true } as const;
  const before = await databaseDigest(world.service.sql);
  const statuses: number[] = [];
  const property = fc.asyncProperty(values, async (value) => {
    const answer = await send(world.service.application.app, callOf(value));
    statuses.push(answer.statusCode);
    const faults = judge(operation, answer);
    if (faults.length > 0)
      throw new Error(`${operation.id}: ${faults.join('; ')} ${answer.body.slice(0, 500)}`);
  });
  await fc.assert(property, runs);
  if (statuses.every((status) => status >= 400) || operation.method === 'GET')
    expect(await databaseDigest(world.service.sql)).toEqual(before);
  return statuses;
}
