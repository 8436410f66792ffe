import { createHash, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { canonicalJson } from '../../src/kernel/canonical-json.ts';
import { versionFaults } from '../support/changes.ts';
import { createKey, createNode, type TestNode } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInput } from '../support/gpu-inputs.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

const dayMs = 86_400_000;
const evidence = { schemaVersion: '1', nvml: { uuid: 'GPU-1', memory: 24564 } };

let service: TestService;
let operator: Client;
let verifier: Client;
beforeAll(async () => {
  service = await startService();
  operator = service.as();
  verifier = service.as(await createKey(service, { role: 'verifier' }));
});
afterAll(() => service.stop());
afterEach(async () => {
  expect(await versionFaults(service.sql)).toEqual([]);
});

describe('a challenge', () => {
  it('carries a random nonce for one GPU and one purpose, and expires, 201', async () => {
    const { node, gpuId } = await setup();
    const reply = await verifier.post('/v1/verifications').send({ gpuId, kind: 'spec' }).expect(201);
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
    expect((await challenge(gpuId)).nonce).not.toBe(reply.body.nonce);
  });

  it('is refused for bad input, unknown GPUs and other roles', async () => {
    const { node, gpuId } = await setup();
    const { body } = await verifier.post('/v1/verifications').send({ gpuId, kind: 'magic' }).expect(400);
    expect(body).toMatchObject({ errors: [{ pointer: '/kind' }] });
    const unknown = await verifier
      .post('/v1/verifications')
      .send({ gpuId: randomUUID(), kind: 'spec' })
      .expect(404);
    expect(unknown.body.code).toBe('gpu.not_found');
    await service.as(node.key).post('/v1/verifications').send({ gpuId, kind: 'spec' }).expect(403);
    await service.as(null).post('/v1/verifications').send({ gpuId, kind: 'spec' }).expect(401);
  });

  it('shows its nonce to who asks and who is asked, and not to viewers', async () => {
    const { node, gpuId } = await setup();
    const { id, nonce } = await challenge(gpuId);
    const provider = await createKey(service, { role: 'provider', providerId: node.providerId });
    const viewer = await createKey(service, { role: 'viewer' });
    const path = `/v1/verifications/${id}`;
    for (const key of [node.key, provider]) {
      expect((await service.as(key).get(path).expect(200)).body.nonce).toBe(nonce);
    }
    expect((await service.as(viewer).get(path).expect(200)).body.nonce).toBeNull();
    const list = await service.as(viewer).get(`/v1/verifications?gpuId=${gpuId}`).expect(200);
    expect(list.body.items).toMatchObject([{ id, nonce: null }]);
  });
});

describe('evidence', () => {
  it('is stored with its hash and its signer, 200', async () => {
    const { node, gpuId } = await setup();
    const { id, nonce } = await challenge(gpuId);
    const reply = await submit(service.as(node.key), id, { nonce, evidence }).expect(200);
    expect(reply.body).toMatchObject({
      state: 'submitted',
      evidence,
      evidenceSha256: createHash('sha256').update(canonicalJson(evidence)).digest('hex'),
      submittedBy: expect.stringMatching(/^agent:/),
      submittedAt: expect.any(String),
      version: 2,
    });
    expect((await verifier.get(`/v1/verifications/${id}`).expect(200)).body).toEqual(reply.body);
  });

  it('is taken once for a nonce, 409', async () => {
    const { gpuId } = await setup();
    const { id, nonce } = await challenge(gpuId);
    await submit(operator, id, { nonce, evidence }).expect(200);
    const { body } = await submit(operator, id, { nonce, evidence }).expect(409);
    expect(body.code).toBe('verification.nonce_used');
  });

  it('does not come with the nonce of another challenge, 409', async () => {
    const { gpuId } = await setup();
    const [mine, other] = [await challenge(gpuId), await challenge(gpuId, 'tee')];
    const { body } = await submit(operator, mine.id, { nonce: other.nonce, evidence }).expect(409);
    expect(body.code).toBe('verification.nonce_mismatch');
    await submit(operator, mine.id, { nonce: mine.nonce, evidence }).expect(200);
  });

  it('that comes late is gone, 410, and the challenge shows as expired without any call', async () => {
    const { gpuId } = await setup();
    const { id, nonce } = await challenge(gpuId);
    await expire(id);
    const { body } = await submit(operator, id, { nonce, evidence }).expect(410);
    expect(body.code).toBe('verification.nonce_expired');
    expect((await operator.get(`/v1/verifications/${id}`)).body).toMatchObject({
      state: 'expired',
      evidence: null,
      version: 1,
    });
    expect(await listed(`gpuId=${gpuId}&state=expired`)).toHaveLength(1);
    expect(await listed(`gpuId=${gpuId}&state=challenged`)).toHaveLength(0);
  });

  it('is an object of at most 64 KiB, 400', async () => {
    const { gpuId } = await setup();
    const { id, nonce } = await challenge(gpuId);
    for (const bad of ['text', { dump: 'x'.repeat(65_536) }]) {
      const { body } = await submit(operator, id, { nonce, evidence: bad }).expect(400);
      expect(body).toMatchObject({ errors: [{ pointer: '/evidence' }] });
    }
    await submit(operator, id, { nonce, evidence: { dump: 'x'.repeat(65_500) } }).expect(200);
  });

  it('comes from the GPU’s own side: 404 for strangers, 403 for other roles', async () => {
    const { gpuId } = await setup();
    const { id, nonce } = await challenge(gpuId);
    const stranger = await createNode(service);
    const { body } = await submit(service.as(stranger.key), id, { nonce, evidence }).expect(404);
    expect(body.code).toBe('verification.not_found');
    await submit(verifier, id, { nonce, evidence }).expect(403);
  });

  it('is for the version that it names, 412', async () => {
    const { gpuId } = await setup();
    const { id, nonce } = await challenge(gpuId);
    await submit(operator, id, { nonce, evidence }).set('if-match', '"7"').expect(412);
    await submit(operator, id, { nonce, evidence }).set('if-match', '"1"').expect(200);
  });
});

describe('a verdict', () => {
  it('of valid grants the level of its kind for the time that the policy says, 200', async () => {
    const { gpuId } = await setup();
    const { version } = await getGpu(service, gpuId);
    const decided = await verify(gpuId, 'spec', { verdict: 'valid', reason: 'All measures agree.' });
    expect(decided).toMatchObject({
      state: 'decided',
      verdict: 'valid',
      reason: 'All measures agree.',
      level: 1,
      verifierId: expect.any(String),
      version: 3,
    });
    const validFor = Date.parse(decided.validUntil) - Date.parse(decided.decidedAt);
    expect(Math.round(validFor / dayMs)).toBe(30);
    expect(await getGpu(service, gpuId)).toMatchObject({
      verification: { level: 1, expiresAt: decided.validUntil },
      version: version + 1,
    });
    expect(await lastChangeOf(gpuId)).toMatchObject({
      type: 'gpu.verified',
      diff: { before: { verification: { level: 0 } }, after: { verification: { level: 1 } } },
    });
  });

  it('reaches no further than its kind, and as far as it asks for', async () => {
    const { gpuId } = await setup();
    expect(await verify(gpuId, 'spec', { verdict: 'valid', level: 4 })).toMatchObject({ level: 1 });
    expect(await verify(gpuId, 'tee', { verdict: 'valid', level: 2 })).toMatchObject({ level: 2 });
    expect(await verify(gpuId, 'tee', { verdict: 'valid', level: 0 })).toMatchObject({
      level: 0,
      validUntil: null,
    });
    expect(await levelOf(gpuId)).toBe(2);
  });

  it('lapses with its time, level by level, without any call', async () => {
    const { gpuId } = await setup();
    await verify(gpuId, 'spec', { verdict: 'valid' });
    await verify(gpuId, 'tee', { verdict: 'valid' });
    expect(await levelOf(gpuId)).toBe(4);
    await service.sql.query(
      `UPDATE inventory.gpu_state SET level2_until = clock_timestamp(), level3_until = clock_timestamp(),
              level4_until = clock_timestamp() WHERE gpu_id = $1`,
      [gpuId],
    );
    expect(await levelOf(gpuId)).toBe(1);
    expect(await listed(`gpuId=${gpuId}&verdict=valid`)).toHaveLength(2);
  });

  it('of invalid takes the level and opens a finding', async () => {
    const { node, gpuId } = await setup();
    await verify(gpuId, 'tee', { verdict: 'valid' });
    const decided = await verify(gpuId, 'spec', { verdict: 'invalid', reason: 'Forged token.' });
    expect(decided).toMatchObject({ verdict: 'invalid', level: 0, validUntil: null });
    expect(await levelOf(gpuId)).toBe(0);
    expect(await lastChangeOf(gpuId)).toMatchObject({
      type: 'gpu.level_dropped',
      reason: 'Forged token.',
      diff: {
        before: { verification: { level: 4 } },
        after: { verification: { level: 0, expiresAt: null } },
      },
    });
    const provider = service.as(await createKey(service, { role: 'provider', providerId: node.providerId }));
    const { body } = await provider.get(`/v1/findings?gpuId=${gpuId}&state=open`).expect(200);
    expect(body.items).toMatchObject([
      { kind: 'verification_failed', nodeId: node.id, detail: { verificationId: decided.id, kind: 'spec' } },
    ]);
  });

  it('of unverifiable changes nothing about the GPU, with evidence or without', async () => {
    const { gpuId } = await setup();
    await verify(gpuId, 'work', { verdict: 'valid' });
    const before = await getGpu(service, gpuId);
    expect(await verify(gpuId, 'tee', { verdict: 'unverifiable', reason: 'OCSP is down.' })).toMatchObject({
      verdict: 'unverifiable',
      level: null,
    });
    const unanswered = await challenge(gpuId);
    await expire(unanswered.id);
    const { body } = await decide(unanswered.id, { verdict: 'unverifiable' }).expect(200);
    expect(body).toMatchObject({ state: 'decided', verdict: 'unverifiable' });
    expect(await getGpu(service, gpuId)).toEqual(before);
  });

  it('needs evidence for anything else, 409', async () => {
    const { gpuId } = await setup();
    const { id } = await challenge(gpuId);
    for (const verdict of ['valid', 'invalid']) {
      const { body } = await decide(id, { verdict }).expect(409);
      expect(body.code).toBe('verification.evidence_missing');
    }
  });

  it('is final, 409', async () => {
    const { gpuId } = await setup();
    const { id } = await verify(gpuId, 'spec', { verdict: 'valid' });
    const { body } = await decide(id, { verdict: 'invalid' }).expect(409);
    expect(body.code).toBe('verification.already_decided');
    expect(await levelOf(gpuId)).toBe(1);
  });

  it('names the field that is wrong, 400', async () => {
    const { gpuId } = await setup();
    const { id, nonce } = await challenge(gpuId);
    await submit(operator, id, { nonce, evidence }).expect(200);
    const faults: [string, object][] = [
      ['/verdict', { verdict: 'maybe' }],
      ['/level', { verdict: 'valid', level: 5 }],
      ['/level', { verdict: 'invalid', level: 1 }],
      ['/findings/0/kind', { verdict: 'valid', findings: [{ kind: 'No Word' }] }],
    ];
    for (const [pointer, input] of faults) {
      const { body } = await decide(id, input).expect(400);
      expect(body).toMatchObject({ errors: [{ pointer }] });
    }
  });

  it('comes from verifiers and operators, on what exists: 403, 404, 412', async () => {
    const { node, gpuId } = await setup();
    const { id } = await challenge(gpuId);
    const path = `/v1/verifications/${id}/verdict`;
    await service.as(node.key).post(path).send({ verdict: 'unverifiable' }).expect(403);
    await decide(randomUUID(), { verdict: 'unverifiable' }).expect(404);
    await decide(id, { verdict: 'unverifiable' }).set('if-match', '"9"').expect(412);
  });
});

describe('a GPU that contradicts its model', () => {
  it('stays at its level while the finding is open, and rises once it is resolved', async () => {
    const { gpuId } = await setup({ specs: { memoryTotalMb: 12_288 } });
    const { body } = await operator.get(`/v1/findings?gpuId=${gpuId}&kind=spec_mismatch`).expect(200);
    expect(body.items).toHaveLength(1);
    expect(await verify(gpuId, 'spec', { verdict: 'valid' })).toMatchObject({ level: 0 });
    expect(await levelOf(gpuId)).toBe(0);
    await operator.post(`/v1/findings/${body.items[0].id}/resolve`).expect(200);
    expect(await verify(gpuId, 'spec', { verdict: 'valid' })).toMatchObject({ level: 1 });
  });

  it('cannot be raised by evidence that claims what it should be', async () => {
    const { gpuId } = await setup({ specs: { memoryTotalMb: 12_288 } });
    const claim = { specs: { memoryTotalMb: 24_564 } };
    expect(await verify(gpuId, 'spec', { verdict: 'valid' }, claim)).toMatchObject({ level: 0 });
    expect(await getGpu(service, gpuId)).toMatchObject({ specs: { memoryTotalMb: 12_288 } });
  });

  it('is put on record by a verdict that has seen it, and keeps the level that it had', async () => {
    const { gpuId } = await setup();
    await verify(gpuId, 'spec', { verdict: 'valid' });
    const finding = { kind: 'spec_mismatch', detail: { nvml: 8, kernel: 1 } };
    const decided = await verify(gpuId, 'tee', { verdict: 'valid', findings: [finding] });
    expect(decided).toMatchObject({ level: 1, findings: [finding] });
    const { body } = await operator.get(`/v1/findings?gpuId=${gpuId}&state=open`).expect(200);
    expect(body.items).toMatchObject([finding]);
  });
});

describe('evidence that a valid verdict confirms', () => {
  it('becomes what is attested of the GPU', async () => {
    const { gpuId } = await setup();
    const claim = {
      specs: { memoryTotalMb: 24_560, streamingMultiprocessors: 128, cudaCores: -1, colour: 'red' },
      capabilities: { supportsEcc: true, supportsMig: 'no' },
    };
    await verify(gpuId, 'spec', { verdict: 'valid' }, claim);
    const { body } = await operator.get(`/v1/gpus/${gpuId}?include=layers`).expect(200);
    expect(body.specs).toMatchObject({
      memoryTotalMb: 24_560,
      streamingMultiprocessors: 128,
      cudaCores: null,
    });
    expect(body.capabilities).toMatchObject({ supportsEcc: true, supportsMig: null });
    expect(body.layers.memoryTotalMb.attested).toBe(24_560);
    expect(body.verification.level).toBe(1);
  });

  it('opens a finding where it contradicts the model, and grants nothing more', async () => {
    const { gpuId } = await setup();
    const claim = { specs: { memoryTotalMb: 12_288 } };
    expect(await verify(gpuId, 'spec', { verdict: 'valid' }, claim)).toMatchObject({ level: 0 });
    const { body } = await operator.get(`/v1/findings?gpuId=${gpuId}&state=open`).expect(200);
    expect(body.items).toMatchObject([{ kind: 'spec_mismatch' }]);
  });
});

describe('the history of verifications', () => {
  it('is kept, filtered and shown without evidence, to each caller its own', async () => {
    const { node, gpuId } = await setup();
    const first = await verify(gpuId, 'spec', { verdict: 'valid' });
    const second = await challenge(gpuId, 'tee');
    const ids = async (query: string) => (await listed(query)).map(({ id }: { id: string }) => id);
    expect(await ids(`gpuId=${gpuId}`)).toEqual([first.id, second.id]);
    expect(await ids(`gpuId=${gpuId}&sort=-createdAt`)).toEqual([second.id, first.id]);
    expect(await ids(`nodeId=${node.id}&kind=tee`)).toEqual([second.id]);
    expect(await ids(`providerId=${node.providerId}&level.gte=1`)).toEqual([first.id]);
    expect(await ids(`evidenceSha256=${first.evidenceSha256}&gpuId=${gpuId}`)).toEqual([first.id]);
    const [item] = await listed(`gpuId=${gpuId}&limit=1`);
    const { evidence: _, ...withoutEvidence } = first;
    expect(item).toEqual(withoutEvidence);
    const stranger = await createNode(service);
    expect((await service.as(stranger.key).get('/v1/verifications').expect(200)).body.items).toEqual([]);
    await service.as(stranger.key).get(`/v1/verifications/${first.id}`).expect(404);
    await operator.get('/v1/verifications?colour=red').expect(400);
  });
});

async function setup(more: Record<string, unknown> = {}): Promise<{ node: TestNode; gpuId: string }> {
  const node = await createNode(service);
  const [gpu] = await createGpus(service, node, [gpuInput(more)]);
  return { node, gpuId: gpu?.id ?? '' };
}

const challenge = async (gpuId: string, kind = 'spec') =>
  (await verifier.post('/v1/verifications').send({ gpuId, kind }).expect(201)).body;

const submit = (client: Client, id: string, body: object) =>
  client.post(`/v1/verifications/${id}/evidence`).send(body);

const decide = (id: string, body: object) => verifier.post(`/v1/verifications/${id}/verdict`).send(body);

async function verify(gpuId: string, kind: string, verdict: object, claim: object = evidence) {
  const { id, nonce } = await challenge(gpuId, kind);
  await submit(operator, id, { nonce, evidence: claim }).expect(200);
  return (await decide(id, verdict).expect(200)).body;
}

const expire = (id: string) =>
  service.sql.query('UPDATE inventory.verification SET expires_at = clock_timestamp() WHERE id = $1', [id]);

const listed = async (query: string) =>
  (await verifier.get(`/v1/verifications?${query}`).expect(200)).body.items;

const levelOf = async (gpuId: string) => (await getGpu(service, gpuId)).verification.level;

async function lastChangeOf(gpuId: string) {
  const { rows } = await service.sql.query(
    'SELECT type, diff, reason FROM inventory.change WHERE subject_id = $1 ORDER BY version DESC LIMIT 1',
    [gpuId],
  );
  return rows[0];
}
