import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changesAfter, lastChange, versionFaults } from '../support/changes.ts';
import { createKey, createNode, createProvider } from '../support/fleet.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService({ OPEN_REGISTRATION: 'true' });
});
afterAll(async () => {
  expect(await versionFaults(service.sql)).toEqual([]);
  await service.stop();
});

describe('POST /v1/providers', () => {
  it('registers a provider, 201', async () => {
    const input = {
      name: 'Aurora',
      email: 'Ops@Aurora.example',
      region: 'eu-north',
      country: 'NO',
      kind: 'datacenter',
      walletAddress: '0xABCDEF0123456789ABCDEF0123456789ABCDEF01',
      labels: { tier: 'gold' },
      attributes: { certifications: ['ISO 27001'] },
    };
    const { body, headers } = await service.as().post('/v1/providers').send(input).expect(201);
    expect(headers).toMatchObject({ etag: '"1"', location: `/v1/providers/${body.id}` });
    expect(body).toMatchObject({
      ...input,
      walletAddress: input.walletAddress.toLowerCase(),
      lifecycle: 'active',
      publicKey: null,
      reputation: { state: 'insufficient_data', score: null, lowerBound: null, sampleSize: 0 },
      counts: { nodes: 0, gpus: 0, gpusFree: 0 },
      version: 1,
    });
    expect((await service.as().get(`/v1/providers/${body.id}`).expect(200)).body).toEqual(body);
  });

  it('registers nested nodes and GPUs with it, all or nothing', async () => {
    const gpu = (uuid: string) => ({
      uuid,
      vendor: 'nvidia',
      name: 'NVIDIA GeForce RTX 4090',
      pciDeviceId: '10de:2684',
    });
    const uuid = `GPU-${randomUUID()}`;
    const input = provider({
      nodes: [{ hostname: 'n1', gpus: [gpu(uuid), gpu(`GPU-${randomUUID()}`)] }, { hostname: 'n2' }],
    });
    const { body } = await service.as().post('/v1/providers').send(input).expect(201);
    expect(body.counts).toEqual({ nodes: 2, gpus: 2, gpusFree: 2 });
    expect(body.nodes.map((node: { gpus: unknown[] }) => node.gpus.length)).toEqual([2, 0]);
    expect(body.nodes[0].gpus[0]).toMatchObject({
      uuid,
      modelId: 'nvidia-rtx-4090-24gb',
      region: body.region,
    });

    const before = await lastChange(service.sql);
    const clash = provider({ nodes: [{ hostname: 'n1' }, { hostname: 'N1' }] });
    const refused = await service.as().post('/v1/providers').send(clash).expect(400);
    expect(refused.body.errors).toEqual([{ pointer: '/nodes/1/hostname', detail: 'is given twice' }]);
    expect(await changesAfter(service.sql, before)).toEqual([]);
  });

  it.each([
    ['email', 'provider.email_taken', { email: 'TAKEN@clash.example' }],
    [
      'wallet address',
      'provider.wallet_taken',
      { walletAddress: '0x00000000000000000000000000000000000000AA' },
    ],
  ])('refuses a taken %s, 409', async (_what, code, clash) => {
    const first = {
      email: 'taken@clash.example',
      walletAddress: '0x00000000000000000000000000000000000000aa',
    };
    await service.as().post('/v1/providers').send(provider(first));
    expect((await service.as().post('/v1/providers').send(provider(clash)).expect(409)).body.code).toBe(code);
  });

  it.each([
    [{ email: 'nobody' }, '/email'],
    [{ region: 'über' }, '/region'],
    [{ country: 'Norway' }, '/country'],
    [{ kind: 'cloud' }, '/kind'],
    [{ lifecycle: 'suspended' }, '/lifecycle'],
    [{ labels: { 'bad key': 'x' } }, '/labels/bad key'],
    [{ version: 3 }, '/version'],
    [{ name: '' }, '/name'],
  ])('refuses %j with 400 naming the field', async (fault, pointer) => {
    const { body } = await service
      .as()
      .post('/v1/providers')
      .send({ ...provider(), ...fault })
      .expect(400);
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  });

  it('makes a pending provider when asked for', async () => {
    const { body } = await service
      .as()
      .post('/v1/providers')
      .send(provider({ lifecycle: 'pending' }))
      .expect(201);
    expect(body.lifecycle).toBe('pending');
  });

  it('is for operators, 403', async () => {
    const { key } = await createProvider(service);
    await service.as(key).post('/v1/providers').send(provider()).expect(403);
  });

  it('answers a repeated request with the same provider, and refuses its key for another', async () => {
    const input = provider();
    const ask = (body: object) =>
      service.as().post('/v1/providers').set('idempotency-key', 'register').send(body);
    const first = await ask(input).expect(201);
    const again = await ask(input).expect(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect((await ask({ ...input, region: 'us' }).expect(422)).body.code).toBe('idempotency.key_reused');
  });
});

describe('POST /v1/registrations', () => {
  it('makes a pending provider and its key without one', async () => {
    const { body } = await service.as(null).post('/v1/registrations').send(provider()).expect(201);
    expect(body.provider).toMatchObject({ lifecycle: 'pending', version: 1 });
    const me = await service.as(body.apiKey).get('/v1/whoami').expect(200);
    expect(me.body).toMatchObject({ role: 'provider', providerId: body.provider.id });
    await service
      .as(null)
      .post('/v1/registrations')
      .send(provider({ lifecycle: 'active' }))
      .expect(400);
  });
});

describe('a provider', () => {
  it('sees itself and nobody else, 404', async () => {
    const [mine, other] = [await createProvider(service), await createProvider(service)];
    const as = service.as(mine.key);
    await as.get(`/v1/providers/${mine.id}`).expect(200);
    expect((await as.get(`/v1/providers/${other.id}`).expect(404)).body.code).toBe('provider.not_found');
    const { body } = await as.get('/v1/providers').expect(200);
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual([mine.id]);
  });

  it('shows its e-mail address to itself and to operators only', async () => {
    const { id, key } = await createProvider(service);
    const viewer = await createKey(service, { role: 'viewer' });
    expect((await service.as(key).get(`/v1/providers/${id}`)).body.email).toMatch(/@/);
    expect((await service.as(viewer).get(`/v1/providers/${id}`)).body.email).toBeNull();
  });

  it('is changed by merge patch: absent stays, null clears, labels merge', async () => {
    const { body: made } = await service
      .as()
      .post('/v1/providers')
      .send(provider({ country: 'DE', labels: { a: '1', b: '2' } }))
      .expect(201);
    const patch = { country: null, labels: { a: null, c: '3' } };
    const { body } = await patchProvider(made.id, 1, patch).expect(200);
    expect(body).toMatchObject({ version: 2, name: made.name, country: null, labels: { b: '2', c: '3' } });
    expect((await patchProvider(made.id, 2, { country: null }).expect(200)).body.version).toBe(2);
    expect((await patchProvider(made.id, 1, { name: 'late' }).expect(412)).headers.etag).toBe('"2"');
  });

  it('leaves its lifecycle to operators, and a suspended one takes its GPUs out', async () => {
    const { id, key } = await createProvider(service);
    const node = await createNode(service, id);
    const { body: gpu } = await service
      .as()
      .post('/v1/gpus')
      .send({ nodeId: node.id, uuid: `GPU-${randomUUID()}`, vendor: 'nvidia', name: 'Tesla T4' })
      .expect(201);
    await service
      .as(key)
      .patch(`/v1/providers/${id}`)
      .set('if-match', '*')
      .send({ lifecycle: 'retired' })
      .expect(403);
    const suspended = await patchProvider(id, 1, { lifecycle: 'suspended' }).expect(200);
    expect(suspended.body.problems).toContain('provider_not_active');
    const { body: seen } = await service.as().get(`/v1/gpus/${gpu.id}`).expect(200);
    expect(seen).toMatchObject({ schedulable: false, version: gpu.version });
    expect(seen.unschedulableReasons).toContain('provider_not_active');
    await patchProvider(id, 2, { lifecycle: 'active' }).expect(200);
    expect((await service.as().get(`/v1/gpus/${gpu.id}`)).body.unschedulableReasons).not.toContain(
      'provider_not_active',
    );
  });

  it('clears labels and attributes with null, all of them', async () => {
    const { id } = await createProvider(service);
    await patchProvider(id, 1, { labels: { tier: 'gold' }, attributes: { uplinkMbps: 1000 } }).expect(200);
    const { body } = await patchProvider(id, 2, { labels: null, attributes: null }).expect(200);
    expect(body).toMatchObject({ labels: {}, attributes: {}, version: 3 });
  });

  it('moves nodes and GPUs without a region of their own along', async () => {
    const { id } = await createProvider(service);
    const node = await createNode(service, id);
    const { body: own } = await service
      .as()
      .post('/v1/nodes')
      .send({ providerId: id, hostname: 'own', region: 'us-west' })
      .expect(201);
    await patchProvider(id, 1, { region: 'ap-south' }).expect(200);
    expect((await service.as().get(`/v1/nodes/${node.id}`)).body).toMatchObject({
      region: 'ap-south',
      version: 2,
    });
    expect((await service.as().get(`/v1/nodes/${own.id}`)).body).toMatchObject({
      region: 'us-west',
      version: 1,
    });
  });

  it('is deleted with its nodes and keys; its names are free again', async () => {
    const input = provider();
    const { body: made } = await service.as().post('/v1/providers').send(input).expect(201);
    const key = await createKey(service, { role: 'provider', providerId: made.id });
    const node = await createNode(service, made.id);
    await service.as().delete(`/v1/providers/${made.id}`).expect(428);
    await service.as().delete(`/v1/providers/${made.id}`).set('if-match', '"7"').expect(412);
    await service.as().delete(`/v1/providers/${made.id}`).set('if-match', '"1"').expect(204);
    await service.as().get(`/v1/providers/${made.id}`).expect(404);
    await service.as().get(`/v1/nodes/${node.id}`).expect(404);
    expect((await service.as(key).get('/v1/whoami').expect(401)).body.code).toBe('auth.key_revoked');
    expect((await service.as().post('/v1/providers').send(input).expect(201)).body.id).not.toBe(made.id);
  });

  it('is found by every filter', async () => {
    const marker = `m-${randomUUID().slice(0, 8)}`;
    const { body } = await service
      .as()
      .post('/v1/providers')
      .send(
        provider({
          name: `Findable ${marker}`,
          region: marker,
          country: 'SE',
          kind: 'browser',
          labels: { marker },
        }),
      )
      .expect(201);
    for (const filter of [
      `region=${marker}`,
      `regions=${marker},nowhere`,
      `labels.marker=${marker}`,
      `q=${marker}`,
      `region=${marker}&kind=browser&country.in=SE,NO&createdAt.gte=2020-01-01T00:00:00Z`,
      `region=${marker}&reputation.exists=false`,
    ]) {
      const found = await service.as().get(`/v1/providers?${filter}`).expect(200);
      expect([filter, found.body.items.map(({ id }: { id: string }) => id)]).toEqual([filter, [body.id]]);
    }
    expect((await service.as().get(`/v1/providers?region=${marker}&minReputation=0.1`)).body.items).toEqual(
      [],
    );
    expect((await service.as().get('/v1/providers?colour=red').expect(400)).body.errors[0].pointer).toBe(
      'colour',
    );
  });
});

const provider = (more: object = {}) => ({
  name: 'Provider',
  email: `${randomUUID()}@example.test`,
  region: 'eu',
  ...more,
});

const patchProvider = (id: string, version: number, patch: object) =>
  service.as().patch(`/v1/providers/${id}`).set('if-match', `"${version}"`).send(patch);
