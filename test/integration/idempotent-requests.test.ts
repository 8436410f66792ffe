import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createKey, createNode, createProvider } from '../support/fleet.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(async () => {
  expect(await versionFaults(service.sql)).toEqual([]);
  await service.stop();
});

const post = (path: string, body: object, key: string, apiKey?: string) =>
  service.as(apiKey).post(path).set('idempotency-key', key).send(body);

describe('a POST with an Idempotency-Key', () => {
  it('has one effect, and every twin the same answer', async () => {
    const key = randomUUID();
    const twins = await Promise.all(
      Array.from({ length: 20 }, () => post('/v1/tenants', { name: key }, key)),
    );
    for (const { status, body, headers } of twins) {
      expect([status, body, headers.location, headers.etag]).toEqual([
        201,
        twins[0]?.body,
        `/v1/tenants/${body.id}`,
        '"1"',
      ]);
    }
    expect(twins.filter(({ headers }) => headers['idempotency-replayed'] === 'true')).toHaveLength(19);
    const { rowCount } = await service.sql.query('SELECT FROM inventory.tenant WHERE name = $1', [key]);
    expect(rowCount).toBe(1);
  });

  it('is refused with another body, 422', async () => {
    const key = randomUUID();
    await post('/v1/tenants', { name: 'a' }, key).expect(201);
    await post('/v1/tenants', { name: 'a', quotas: null }, key).expect(422);
    expect((await post('/v1/tenants', { name: 'b' }, key).expect(422)).body.code).toBe(
      'idempotency.key_reused',
    );
  });

  it('may be sent again corrected after it was refused: errors are not kept', async () => {
    const key = randomUUID();
    const wanted = { name: 'k', role: 'provider', providerId: randomUUID() };
    await post('/v1/api-keys', wanted, key).expect(404);
    await post('/v1/api-keys', { ...wanted, role: 'none' }, key).expect(400);
    const { id } = await createProvider(service);
    await post('/v1/api-keys', { ...wanted, providerId: id }, key).expect(201);
  });

  it('shows a secret again to who has asked for it, and to nobody else', async () => {
    const key = randomUUID();
    const wanted = { name: 'secret', role: 'operator' };
    const { body } = await post('/v1/api-keys', wanted, key).expect(201);
    expect((await post('/v1/api-keys', wanted, key).expect(201)).body).toEqual(body);
    await post('/v1/api-keys', wanted, key, body.key).expect(422);
    const { rows } = await service.sql.query<{ dump: string }>(
      'SELECT reply::text AS dump FROM inventory.idempotency_key',
    );
    const hex = Buffer.from(body.key.slice(-20)).toString('hex');
    for (const { dump } of rows) expect(dump).not.toContain(hex);
  });
});

describe('a key', () => {
  it('is never left behind for a provider or node that is being deleted', async () => {
    for (let i = 0; i < 5; i++) {
      const provider = await createProvider(service);
      const node = await createNode(service, provider.id);
      const deletion = service.as().delete(`/v1/providers/${provider.id}`).set('if-match', '*');
      const creations = [
        { role: 'provider', providerId: provider.id },
        { role: 'agent', nodeId: node.id },
      ].flatMap((owner) =>
        Array.from({ length: 3 }, () =>
          service
            .as()
            .post('/v1/api-keys')
            .send({ name: 'k', ...owner }),
        ),
      );
      const [deleted, ...created] = await Promise.all([deletion, ...creations]);
      expect(deleted?.status).toBe(204);
      for (const { status } of created) expect([201, 404]).toContain(status);
      const { rowCount } = await service.sql.query(
        'SELECT FROM inventory.api_key WHERE provider_id = $1 AND revoked_at IS NULL',
        [provider.id],
      );
      expect(rowCount).toBe(0);
    }
  });

  it('that is patched to the same moment in other words stays as it is', async () => {
    const expiresAt = '2999-01-01T00:00:00Z';
    const { body } = await service
      .as()
      .post('/v1/api-keys')
      .send({ name: 'k', role: 'viewer', expiresAt })
      .expect(201);
    const patch = service.as().patch(`/v1/api-keys/${body.id}`).set('if-match', '"1"');
    const same = await patch.send({ name: 'k', expiresAt: '2999-01-01T01:00:00+01:00' }).expect(200);
    expect([same.body.version, same.body.expiresAt]).toEqual([1, '2999-01-01T00:00:00.000Z']);
  });

  it('sees nothing of another provider: 404 for its keys', async () => {
    const [mine, theirs] = [await createProvider(service), await createProvider(service)];
    const node = await createNode(service, theirs.id);
    await createKey(service, { role: 'agent', nodeId: node.id });
    const { rows } = await service.sql.query('SELECT id FROM inventory.api_key WHERE node_id = $1', [
      node.id,
    ]);
    for (const { id } of rows) {
      await service
        .as(mine.key)
        .patch(`/v1/api-keys/${id}`)
        .set('if-match', '*')
        .send({ name: 'x' })
        .expect(404);
      await service.as(mine.key).delete(`/v1/api-keys/${id}`).set('if-match', '*').expect(404);
      await service.as(mine.key).post(`/v1/api-keys/${id}/rotate`).send({}).expect(404);
    }
    expect((await service.as(mine.key).get('/v1/api-keys').expect(200)).body.items).toHaveLength(1);
  });
});

describe('the search by text', () => {
  it.each(['100%', '_', 'back\\slash', '%', "it's"])('takes %j as it stands', async (words) => {
    const name = `x ${words} ${randomUUID()}`;
    await service.as().post('/v1/tenants').send({ name }).expect(201);
    await service
      .as()
      .post('/v1/tenants')
      .send({ name: `decoy ${randomUUID()}` })
      .expect(201);
    const { body } = await service
      .as()
      .get('/v1/tenants')
      .query({ q: words.toUpperCase(), limit: 500 })
      .expect(200);
    for (const { name: found } of body.items) expect(found.toUpperCase()).toContain(words.toUpperCase());
    expect(body.items.map(({ name: found }: { name: string }) => found)).toContain(name);
  });
});
