import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createKey, createNode, createProvider } from '../support/fleet.ts';
import { startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(async () => {
  expect(await versionFaults(service.sql)).toEqual([]);
  await service.stop();
});

describe('whoami', () => {
  it('tells the role, the owner and the permissions of a key', async () => {
    const tenant = await newTenant();
    const key = await createKey(service, { role: 'tenant', tenantId: tenant.id });
    const { body } = await service.as(key).get('/v1/whoami').expect(200);
    expect(body).toMatchObject({
      role: 'tenant',
      tenantId: tenant.id,
      providerId: null,
      nodeId: null,
      scopes: [],
    });
    expect(body.permissions).toContain('allocations:write');
    expect(body.permissions).not.toContain('tenants:write');
  });

  it('wants a key, 401', async () => {
    const { body, headers } = await service.as(null).get('/v1/whoami').expect(401);
    expect(body.code).toBe('auth.missing');
    expect(headers['www-authenticate']).toBe('Bearer');
  });

  it.each([
    ['no key of ours', 'hello'],
    ['a mistyped checksum', 'dpi_live_000000000000_0000000000000000000000000000000000000000000000000'],
    ['an unknown own text', 'x'.repeat(40)],
  ])('refuses %s, 401', async (_what, key) => {
    expect((await service.as(key).get('/v1/whoami').expect(401)).body.code).toBe('auth.invalid_key');
  });
});

describe('an API key', () => {
  it('is shown once and never stored', async () => {
    const { body } = await service
      .as()
      .post('/v1/api-keys')
      .send({ name: 'eye', role: 'viewer' })
      .expect(201);
    expect(body.key).toMatch(/^dpi_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/);
    expect(body.hint).toBe(body.key.slice(-4));
    const listed = await service.as().get('/v1/api-keys?role=viewer').expect(200);
    expect(listed.body.items).toHaveLength(1);
    expect(listed.text).not.toContain(body.key);
    const { rows } = await service.sql.query('SELECT k::text AS stored FROM inventory.api_key k');
    expect(JSON.stringify(rows)).not.toContain(body.key.split('_').at(-1));
  });

  it('is refused by its state: disabled, expired, revoked', async () => {
    const { body: made, headers } = await service
      .as()
      .post('/v1/api-keys')
      .send({ name: 'k', role: 'viewer' })
      .expect(201);
    const holder = service.as(made.key);
    const path = `/v1/api-keys/${made.id}`;
    await holder.get('/v1/whoami').expect(200);

    const disabled = await service
      .as()
      .patch(path)
      .set('if-match', headers.etag as string)
      .send({ disabled: true })
      .expect(200);
    expect((await holder.get('/v1/whoami').expect(401)).body.code).toBe('auth.key_disabled');

    await service
      .as()
      .patch(path)
      .set('if-match', disabled.headers.etag as string)
      .send({ disabled: false, expiresAt: '2020-01-01T00:00:00Z' })
      .expect(200);
    expect((await holder.get('/v1/whoami').expect(401)).body.code).toBe('auth.key_expired');

    await service.as().delete(path).set('if-match', '*').expect(204);
    expect((await holder.get('/v1/whoami').expect(401)).body.code).toBe('auth.key_revoked');
    await service.as().delete(path).set('if-match', '*').expect(404);
  });

  it('is limited to its scopes, 403', async () => {
    const { body } = await service
      .as()
      .post('/v1/api-keys')
      .send({ name: 'narrow', role: 'viewer', scopes: ['gpus:read'] })
      .expect(201);
    await service.as(body.key).get('/v1/gpus').expect(200);
    expect((await service.as(body.key).get('/v1/nodes').expect(403)).body.code).toBe('auth.out_of_scope');
  });

  it('is replaced by rotation, with an overlap', async () => {
    const { body: old } = await service
      .as()
      .post('/v1/api-keys')
      .send({ name: 'r', role: 'viewer' })
      .expect(201);
    const { body: next } = await service.as().post(`/v1/api-keys/${old.id}/rotate`).send({}).expect(201);
    expect(next).toMatchObject({ name: 'r', role: 'viewer', rotatedFrom: old.id });
    await service.as(old.key).get('/v1/whoami').expect(200);
    await service.as(next.key).get('/v1/whoami').expect(200);
    await service.as().post(`/v1/api-keys/${next.id}/rotate`).send({ overlapS: 0 }).expect(201);
    expect((await service.as(next.key).get('/v1/whoami').expect(401)).body.code).toBe('auth.key_expired');
  });

  it('that expires is replaced by one that lives as long', async () => {
    const hours = (from: number) => new Date(from + 7_200_000).toISOString();
    const { body: old } = await service
      .as()
      .post('/v1/api-keys')
      .send({ name: 'brief', role: 'viewer', expiresAt: hours(Date.now()) })
      .expect(201);
    const { body: next } = await service.as().post(`/v1/api-keys/${old.id}/rotate`).send({}).expect(201);
    const life = (key: { createdAt: string; expiresAt: string }) =>
      Date.parse(key.expiresAt) - Date.parse(key.createdAt);
    expect(Math.abs(life(next) - life(old))).toBeLessThan(5000);
  });

  it('with scopes gives no key more than it has, 403', async () => {
    const scopes = ['api-keys:read', 'api-keys:write', 'gpus:read'];
    const narrow = service.as(await createKey(service, { role: 'operator', scopes }));
    const wide = await service.as().post('/v1/api-keys').send({ name: 'w', role: 'viewer' }).expect(201);
    const refused = async (sent: Promise<{ body: { code: string } }>) =>
      expect((await sent).body.code).toBe('auth.forbidden');
    const make = (more: object) => narrow.post('/v1/api-keys').send({ name: 'n', role: 'viewer', ...more });

    await refused(make({}).expect(403).then());
    await refused(
      make({ scopes: ['gpus:read', 'nodes:read'] })
        .expect(403)
        .then(),
    );
    await refused(narrow.post(`/v1/api-keys/${wide.body.id}/rotate`).send({}).expect(403).then());
    const { body: made } = await make({ scopes: ['gpus:read'] }).expect(201);
    const patch = (sent: object) => narrow.patch(`/v1/api-keys/${made.id}`).set('if-match', '"1"').send(sent);
    await refused(patch({ scopes: [] }).expect(403).then());
    await patch({ name: 'renamed' }).expect(200);
    await narrow.post(`/v1/api-keys/${made.id}/rotate`).send({}).expect(201);
  });

  it.each([
    [{ role: 'tenant' }, '/tenantId'],
    [{ role: 'provider' }, '/providerId'],
    [{ role: 'agent' }, '/nodeId'],
    [{ role: 'viewer', tenantId: '01900000-0000-7000-8000-000000000000' }, '/tenantId'],
    [{ role: 'viewer', scopes: ['tenants:write'] }, '/scopes'],
    [{ role: 'viewer', expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
  ])('is refused with 400 where its owner does not fit: %j', async (input, pointer) => {
    const { body } = await service
      .as()
      .post('/v1/api-keys')
      .send({ name: 'x', ...input })
      .expect(400);
    expect(body.errors).toEqual([expect.objectContaining({ pointer })]);
  });

  it('of an unknown tenant is refused, 404', async () => {
    const tenantId = '01900000-0000-7000-8000-000000000000';
    const { body } = await service
      .as()
      .post('/v1/api-keys')
      .send({ name: 'x', role: 'tenant', tenantId })
      .expect(404);
    expect(body.code).toBe('tenant.not_found');
  });

  it('lets a provider make keys of its own agents only', async () => {
    const [mine, other] = [await createProvider(service), await createProvider(service)];
    const [own, foreign] = [await createNode(service, mine.id), await createNode(service, other.id)];
    const as = service.as(mine.key);
    await as.post('/v1/api-keys').send({ name: 'a', role: 'agent', nodeId: own.id }).expect(201);
    await as.post('/v1/api-keys').send({ name: 'a', role: 'agent', nodeId: foreign.id }).expect(404);
    await as.post('/v1/api-keys').send({ name: 'a', role: 'viewer' }).expect(403);
    const { body } = await as.get('/v1/api-keys').expect(200);
    expect(new Set(body.items.map((key: { providerId: string }) => key.providerId))).toEqual(
      new Set([mine.id]),
    );
  });

  it('is sent again for a repeated request, to the same caller only', async () => {
    const another = await service
      .as()
      .post('/v1/api-keys')
      .send({ name: 'op2', role: 'operator' })
      .expect(201);
    const ask = (key?: string) =>
      service
        .as(key)
        .post('/v1/api-keys')
        .set('idempotency-key', 'make-one')
        .send({ name: 'one', role: 'viewer' });
    const first = await ask().expect(201);
    const again = await ask().expect(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect((await ask(another.body.key).expect(422)).body.code).toBe('idempotency.key_reused');
    const { rows } = await service.sql.query(
      "SELECT encode(reply, 'escape') AS reply FROM inventory.idempotency_key",
    );
    expect(JSON.stringify(rows)).not.toContain('dpi_');
  });

  it('notes when it was used last', async () => {
    const { body } = await service
      .as()
      .post('/v1/api-keys')
      .send({ name: 'used', role: 'viewer' })
      .expect(201);
    const lastUsedAt = async (): Promise<string | null> => {
      const { body: list } = await service.as().get('/v1/api-keys?name=used&fields=lastUsedAt').expect(200);
      return list.items[0].lastUsedAt;
    };
    expect(await lastUsedAt()).toBeNull();
    await service.as(body.key).get('/v1/whoami').expect(200);
    await until('the use is noted', async () => (await lastUsedAt()) !== null);
    expect(Date.parse((await lastUsedAt()) as string)).toBeGreaterThan(Date.parse(body.createdAt));
  });
});

describe('a tenant', () => {
  it('is created, read, listed and changed', async () => {
    const made = await newTenant('Acme');
    expect(made).toMatchObject({ name: 'Acme', quotas: null, version: 1 });
    const { body } = await service.as().get(`/v1/tenants/${made.id}`).expect(200);
    expect(body).toEqual(made);
    await service.as().get(`/v1/tenants/${made.id}`).set('if-none-match', '"1"').expect(304);
    const changed = await service
      .as()
      .patch(`/v1/tenants/${made.id}`)
      .set('if-match', '"1"')
      .send({ quotas: { maxGpus: 8 } })
      .expect(200);
    expect(changed.body).toMatchObject({ version: 2, quotas: { maxGpus: 8 } });
    const { body: list } = await service.as().get('/v1/tenants?name=Acme').expect(200);
    expect(list.items).toEqual([changed.body]);
  });

  it('is for operators to create, 403', async () => {
    const { key } = await createProvider(service);
    expect((await service.as(key).post('/v1/tenants').send({ name: 'x' }).expect(403)).body.code).toBe(
      'auth.forbidden',
    );
  });

  it('is changed only by who knows its version, 412 and 428', async () => {
    const { id } = await newTenant();
    const stale = await service
      .as()
      .patch(`/v1/tenants/${id}`)
      .set('if-match', '"9"')
      .send({ name: 'y' })
      .expect(412);
    expect(stale.headers.etag).toBe('"1"');
    const missing = await service.as().patch(`/v1/tenants/${id}`).send({ name: 'y' }).expect(428);
    expect(missing.body.code).toBe('request.precondition_required');
  });
});

async function newTenant(name = 'Tenant') {
  const { body } = await service.as().post('/v1/tenants').send({ name }).expect(201);
  return body;
}
