import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startService, type TestService } from '../support/service.ts';

describe('access', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.stop());

  it('says who is calling', async () => {
    const { body } = await service.as().get('/v1/whoami').expect(200);
    expect(body).toMatchObject({ role: 'operator', tenantId: null });
  });

  it('creates a tenant and a key for it, shown once', async () => {
    const tenant = await service.as().post('/v1/tenants').send({ name: 'Acme' }).expect(201);
    expect(tenant.headers.etag).toBe('"1"');
    expect(tenant.headers.location).toBe(`/v1/tenants/${tenant.body.id}`);
    const key = await service
      .as()
      .post('/v1/api-keys')
      .send({ name: 'ci', role: 'tenant', tenantId: tenant.body.id })
      .expect(201);
    expect(key.body.key).toMatch(/^dpi_live_/);
    const me = await service.as(key.body.key).get('/v1/whoami').expect(200);
    expect(me.body).toMatchObject({ role: 'tenant', tenantId: tenant.body.id });
    const list = await service.as().get('/v1/api-keys?role=tenant').expect(200);
    expect(list.body.items).toHaveLength(1);
    expect(JSON.stringify(list.body)).not.toContain(key.body.key);
  });
});
