import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createKey, type TestNode } from '../support/fleet.ts';
import { setDeadline, unswept } from '../support/ledger.ts';
import { createTenant, openNode, type TestTenant } from '../support/schedulable.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let tenant: TestTenant;
let client: Client;
let gpuIds: string[];
let node: TestNode;
let nodeId: string;

beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(() => service.stop());
beforeEach(async () => {
  const open = await openNode(service, { gpus: 3, input: { pricePerHourNanoUsd: '250000000' } });
  ({ tenant, gpuIds, node } = open);
  nodeId = node.id;
  client = service.as(tenant.key);
});

describe('GET /v1/allocations/:id', () => {
  it('200: shows what the claim answered', async () => {
    const { body } = await claim({ gpuIds, holdTtlS: 60 }).expect(201);
    const shown = await read(body.id).expect(200);
    expect(shown.body).toEqual(body);
    expect(shown.headers.etag).toBe('"1"');
    const viewer = service.as(await createKey(service, { role: 'viewer' }));
    await viewer.get(`/v1/allocations/${body.id}`).expect(200, body);
  });

  it('200: what is past its deadline reads as ended at its deadline, before and after the sweep', async () => {
    const { body: hold } = await claim({ gpuIds: [gpuIds[0]], holdTtlS: 60 }).expect(201);
    await setDeadline(service.sql, hold.id, -1);
    const due = (await read(hold.id)).body;
    expect(due).toMatchObject({
      state: 'expired',
      endReason: 'hold_expired',
      releasedAt: due.heldUntil,
      version: 1,
    });
    await claim({ gpuIds: [gpuIds[0]] }).expect(201);
    const { version, updatedAt, ...swept } = (await read(hold.id)).body;
    expect(version).toBe(2);
    expect({ ...due, version, updatedAt }).toEqual({ ...swept, version, updatedAt });
  });

  it('304: nothing has changed', async () => {
    const { body } = await claim({ gpuIds }).expect(201);
    await read(body.id).set('if-none-match', '"1"').expect(304);
  });

  it("404: somebody else's, and an unknown one", async () => {
    const { body } = await claim({ gpuIds }).expect(201);
    const other = service.as((await createTenant(service)).key);
    for (const id of [body.id, randomUUID()]) {
      const { body: problem } = await other.get(`/v1/allocations/${id}`).expect(404);
      expect(problem.code).toBe('allocation.not_found');
    }
  });
});

describe('GET /v1/allocations', () => {
  it('200: a tenant sees its own, newest first if it likes, page by page', async () => {
    const made = [];
    for (const gpuId of gpuIds) made.push((await claim({ gpuIds: [gpuId] }).expect(201)).body.id);
    const first = await client.get('/v1/allocations?sort=-createdAt&limit=2').expect(200);
    const rest = await client
      .get(`/v1/allocations?sort=-createdAt&limit=2&cursor=${first.body.nextCursor}`)
      .expect(200);
    const ids = [...first.body.items, ...rest.body.items].map(({ id }) => id);
    expect(ids).toEqual(made.reverse());
    expect(rest.body.nextCursor).toBeNull();
  });

  it('200: filters by state, GPU, node, provider, tenant and times', async () => {
    const { body: active } = await claim({ gpuIds: [gpuIds[0]], durationS: 60 }).expect(201);
    const { body: held } = await claim({ gpuIds: [gpuIds[1]], holdTtlS: 60 }).expect(201);
    const { body: due } = await claim({ gpuIds: [gpuIds[2]], holdTtlS: 60 }).expect(201);
    await setDeadline(service.sql, due.id, -1);
    const [{ providerId }] = active.gpus;
    const cases: [string, string[]][] = [
      ['state=active', [active.id]],
      ['state=expired', [due.id]],
      ['state.in=held,active', [active.id, held.id]],
      [`gpuId=${gpuIds[1]}`, [held.id]],
      [`gpuId.in=${gpuIds[0]},${gpuIds[1]}`, [active.id, held.id]],
      [`nodeId=${nodeId}`, [active.id, held.id, due.id]],
      [`providerId=${providerId}&state=held`, [held.id]],
      [`tenantId=${tenant.id}`, [active.id, held.id, due.id]],
      [`tenantId=${randomUUID()}`, []],
      [`expiresAt.exists=true`, [active.id]],
      [`heldUntil.gt=${new Date().toISOString()}`, [held.id]],
      [`createdAt.gte=${active.createdAt}`, [active.id, held.id]],
    ];
    for (const [query, expected] of cases) {
      const { body } = await client.get(`/v1/allocations?${query}`).expect(200);
      expect([query, body.items.map(({ id }: { id: string }) => id)]).toEqual([query, expected]);
    }
  });

  it('200: an operator sees those of all tenants', async () => {
    const { body } = await claim({ gpuIds }).expect(201);
    const { body: list } = await service.as().get(`/v1/allocations?gpuId=${gpuIds[0]}`).expect(200);
    expect(list.items).toEqual([body]);
  });

  it('400: an unknown filter, a bad limit, a foreign cursor', async () => {
    await client.get('/v1/allocations?owner=me').expect(400);
    await client.get('/v1/allocations?limit=501').expect(400);
    await client.get('/v1/allocations?cursor=junk').expect(400);
  });

  it('403: agents, providers and verifiers have no business here', async () => {
    for (const key of (await keysOfOthers()).slice(0, 3)) {
      await service.as(key).get('/v1/allocations').expect(403);
    }
  });
});

const keysOfOthers = async () => [
  node.key,
  await createKey(service, { role: 'provider', providerId: node.providerId }),
  await createKey(service, { role: 'verifier' }),
  await createKey(service, { role: 'viewer' }),
];
const claim = (body: object) => client.post('/v1/allocations').send(body);
const read = (id: string) => client.get(`/v1/allocations/${id}`);
