import { createHash, randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { canonicalJson } from '../../src/kernel/canonical-json.ts';
import { createKey, createNode } from '../support/fleet.ts';
import { evidence, useVerifying } from '../support/verifying.ts';

const { service, verifying } = useVerifying();

describe('a challenge', () => {
  it('carries a random nonce for one GPU and one purpose, and expires, 201', async () => {
    const { node, gpuId } = await verifying().setup();
    const reply = await verifying()
      .verifier.post('/v1/verifications')
      .send({ gpuId, kind: 'spec' })
      .expect(201);
    expect(reply.body).toEqual({
      id: expect.any(String),
      gpuId,
      nodeId: node.id,
      providerId: node.providerId,
      kind: 'spec',
      state: 'challenged',
      nonce: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      expiresAt: expect.any(String),
      evidence: null,
      evidenceSha256: null,
      submittedBy: null,
      submittedAt: null,
      verdict: null,
      reason: null,
      findings: [],
      level: null,
      validUntil: null,
      verifierId: null,
      decidedAt: null,
      version: 1,
      createdAt: expect.any(String),
    });
    const validForMs = Date.parse(reply.body.expiresAt) - Date.parse(reply.body.createdAt);
    expect(Math.round(validForMs / 1000)).toBe(300);
    expect(reply.headers.location).toBe(`/v1/verifications/${reply.body.id}`);
    expect(reply.headers.etag).toBe('"1"');
    expect((await verifying().challenge(gpuId)).nonce).not.toBe(reply.body.nonce);
  });

  it('is refused for bad input, unknown GPUs and other roles', async () => {
    const { node, gpuId } = await verifying().setup();
    const { body } = await verifying()
      .verifier.post('/v1/verifications')
      .send({ gpuId, kind: 'magic' })
      .expect(400);
    expect(body).toMatchObject({ errors: [{ pointer: '/kind' }] });
    const unknown = await verifying()
      .verifier.post('/v1/verifications')
      .send({ gpuId: randomUUID(), kind: 'spec' })
      .expect(404);
    expect(unknown.body.code).toBe('gpu.not_found');
    await service().as(node.key).post('/v1/verifications').send({ gpuId, kind: 'spec' }).expect(403);
    await service().as(null).post('/v1/verifications').send({ gpuId, kind: 'spec' }).expect(401);
  });

  it('shows its nonce to who asks and who is asked, and not to viewers', async () => {
    const { node, gpuId } = await verifying().setup();
    const { id, nonce } = await verifying().challenge(gpuId);
    const provider = await createKey(service(), { role: 'provider', providerId: node.providerId });
    const viewer = await createKey(service(), { role: 'viewer' });
    const path = `/v1/verifications/${id}`;
    for (const key of [node.key, provider]) {
      expect((await service().as(key).get(path).expect(200)).body.nonce).toBe(nonce);
    }
    expect((await service().as(viewer).get(path).expect(200)).body.nonce).toBeNull();
    const list = await service().as(viewer).get(`/v1/verifications?gpuId=${gpuId}`).expect(200);
    expect(list.body.items).toMatchObject([{ id, nonce: null }]);
  });
});

describe('evidence', () => {
  it('is stored with its hash and its signer, 200', async () => {
    const { node, gpuId } = await verifying().setup();
    const { id, nonce } = await verifying().challenge(gpuId);
    const reply = await verifying().submit(service().as(node.key), id, { nonce, evidence }).expect(200);
    expect(reply.body).toMatchObject({
      state: 'submitted',
      evidence,
      evidenceSha256: createHash('sha256').update(canonicalJson(evidence)).digest('hex'),
      submittedBy: expect.stringMatching(/^agent:/),
      submittedAt: expect.any(String),
      version: 2,
    });
    expect((await verifying().verifier.get(`/v1/verifications/${id}`).expect(200)).body).toEqual(reply.body);
  });

  it('is taken once for a nonce, 409', async () => {
    const { gpuId } = await verifying().setup();
    const { id, nonce } = await verifying().challenge(gpuId);
    await verifying().submit(verifying().operator, id, { nonce, evidence }).expect(200);
    const { body } = await verifying().submit(verifying().operator, id, { nonce, evidence }).expect(409);
    expect(body.code).toBe('verification.nonce_used');
  });

  it('does not come with the nonce of another challenge, 409', async () => {
    const { gpuId } = await verifying().setup();
    const [mine, other] = [await verifying().challenge(gpuId), await verifying().challenge(gpuId, 'tee')];
    const { body } = await verifying()
      .submit(verifying().operator, mine.id, { nonce: other.nonce, evidence })
      .expect(409);
    expect(body.code).toBe('verification.nonce_mismatch');
    await verifying().submit(verifying().operator, mine.id, { nonce: mine.nonce, evidence }).expect(200);
  });

  it('that comes late is gone, 410, and the challenge shows as expired without any call', async () => {
    const { gpuId } = await verifying().setup();
    const { id, nonce } = await verifying().challenge(gpuId);
    await verifying().expire(id);
    const { body } = await verifying().submit(verifying().operator, id, { nonce, evidence }).expect(410);
    expect(body.code).toBe('verification.nonce_expired');
    expect((await verifying().operator.get(`/v1/verifications/${id}`)).body).toMatchObject({
      state: 'expired',
      evidence: null,
      version: 1,
    });
    expect(await listed(`gpuId=${gpuId}&state=expired`)).toHaveLength(1);
    expect(await listed(`gpuId=${gpuId}&state=challenged`)).toHaveLength(0);
  });

  it('is an object of at most 64 KiB, 400', async () => {
    const { gpuId } = await verifying().setup();
    const { id, nonce } = await verifying().challenge(gpuId);
    for (const bad of ['text', { dump: 'x'.repeat(65_536) }]) {
      const { body } = await verifying()
        .submit(verifying().operator, id, { nonce, evidence: bad })
        .expect(400);
      expect(body).toMatchObject({ errors: [{ pointer: '/evidence' }] });
    }
    await verifying()
      .submit(verifying().operator, id, { nonce, evidence: { dump: 'x'.repeat(65_500) } })
      .expect(200);
  });

  it('comes from the GPU’s own side: 404 for strangers, 403 for other roles', async () => {
    const { gpuId } = await verifying().setup();
    const { id, nonce } = await verifying().challenge(gpuId);
    const stranger = await createNode(service());
    const { body } = await verifying()
      .submit(service().as(stranger.key), id, { nonce, evidence })
      .expect(404);
    expect(body.code).toBe('verification.not_found');
    await verifying().submit(verifying().verifier, id, { nonce, evidence }).expect(403);
  });

  it('is for the version that it names, 412', async () => {
    const { gpuId } = await verifying().setup();
    const { id, nonce } = await verifying().challenge(gpuId);
    await verifying()
      .submit(verifying().operator, id, { nonce, evidence })
      .set('if-match', '"7"')
      .expect(412);
    await verifying()
      .submit(verifying().operator, id, { nonce, evidence })
      .set('if-match', '"1"')
      .expect(200);
  });
});

const listed = async (query: string) =>
  (await verifying().verifier.get(`/v1/verifications?${query}`).expect(200)).body.items;
