import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createKey, createNode } from '../support/fleet.ts';
import { getGpu } from '../support/gpu-inputs.ts';
import { evidence, useVerifying } from '../support/verifying.ts';

const dayMs = 86_400_000;

const { service, verifying } = useVerifying();

describe('a verdict', () => {
  it('of valid grants the level of its kind for the time that the policy says, 200', async () => {
    const { gpuId } = await verifying().setup();
    const { version } = await getGpu(service(), gpuId);
    const decided = await verifying().verify(gpuId, 'spec', {
      verdict: 'valid',
      reason: 'All measures agree.',
    });
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
    expect(await getGpu(service(), gpuId)).toMatchObject({
      verification: { level: 1, expiresAt: decided.validUntil },
      version: version + 1,
    });
    expect(await lastChangeOf(gpuId)).toMatchObject({
      type: 'gpu.verified',
      diff: { before: { verification: { level: 0 } }, after: { verification: { level: 1 } } },
    });
  });

  it('reaches no further than its kind, and as far as it asks for', async () => {
    const { gpuId } = await verifying().setup();
    expect(await verifying().verify(gpuId, 'spec', { verdict: 'valid', level: 4 })).toMatchObject({
      level: 1,
    });
    expect(await verifying().verify(gpuId, 'tee', { verdict: 'valid', level: 2 })).toMatchObject({
      level: 2,
    });
    expect(await verifying().verify(gpuId, 'tee', { verdict: 'valid', level: 0 })).toMatchObject({
      level: 0,
      validUntil: null,
    });
    expect(await levelOf(gpuId)).toBe(2);
  });

  it('lapses with its time, level by level, without any call', async () => {
    const { gpuId } = await verifying().setup();
    await verifying().verify(gpuId, 'spec', { verdict: 'valid' });
    await verifying().verify(gpuId, 'tee', { verdict: 'valid' });
    expect(await levelOf(gpuId)).toBe(4);
    await service().sql.query(
      `UPDATE inventory.gpu_state SET level2_until = clock_timestamp(), level3_until = clock_timestamp(),
              level4_until = clock_timestamp() WHERE gpu_id = $1`,
      [gpuId],
    );
    expect(await levelOf(gpuId)).toBe(1);
    expect(await listed(`gpuId=${gpuId}&verdict=valid`)).toHaveLength(2);
  });

  it('of invalid takes the level and opens a finding', async () => {
    const { node, gpuId } = await verifying().setup();
    await verifying().verify(gpuId, 'tee', { verdict: 'valid' });
    const decided = await verifying().verify(gpuId, 'spec', { verdict: 'invalid', reason: 'Forged token.' });
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
    const provider = service().as(
      await createKey(service(), { role: 'provider', providerId: node.providerId }),
    );
    const { body } = await provider.get(`/v1/findings?gpuId=${gpuId}&state=open`).expect(200);
    expect(body.items).toMatchObject([
      { kind: 'verification_failed', nodeId: node.id, detail: { verificationId: decided.id, kind: 'spec' } },
    ]);
  });

  it('of unverifiable changes nothing about the GPU, with evidence or without', async () => {
    const { gpuId } = await verifying().setup();
    await verifying().verify(gpuId, 'work', { verdict: 'valid' });
    const before = await getGpu(service(), gpuId);
    expect(
      await verifying().verify(gpuId, 'tee', { verdict: 'unverifiable', reason: 'OCSP is down.' }),
    ).toMatchObject({
      verdict: 'unverifiable',
      level: null,
    });
    const unanswered = await verifying().challenge(gpuId);
    await verifying().expire(unanswered.id);
    const { body } = await verifying().decide(unanswered.id, { verdict: 'unverifiable' }).expect(200);
    expect(body).toMatchObject({ state: 'decided', verdict: 'unverifiable' });
    expect(await getGpu(service(), gpuId)).toEqual(before);
  });

  it('needs evidence for anything else, 409', async () => {
    const { gpuId } = await verifying().setup();
    const { id } = await verifying().challenge(gpuId);
    for (const verdict of ['valid', 'invalid']) {
      const { body } = await verifying().decide(id, { verdict }).expect(409);
      expect(body.code).toBe('verification.evidence_missing');
    }
  });

  it('is final, 409', async () => {
    const { gpuId } = await verifying().setup();
    const { id } = await verifying().verify(gpuId, 'spec', { verdict: 'valid' });
    const { body } = await verifying().decide(id, { verdict: 'invalid' }).expect(409);
    expect(body.code).toBe('verification.already_decided');
    expect(await levelOf(gpuId)).toBe(1);
  });

  it('names the field that is wrong, 400', async () => {
    const { gpuId } = await verifying().setup();
    const { id, nonce } = await verifying().challenge(gpuId);
    await verifying().submit(verifying().operator, id, { nonce, evidence }).expect(200);
    const faults: [string, object][] = [
      ['/verdict', { verdict: 'maybe' }],
      ['/level', { verdict: 'valid', level: 5 }],
      ['/level', { verdict: 'invalid', level: 1 }],
      ['/findings/0/kind', { verdict: 'valid', findings: [{ kind: 'No Word' }] }],
    ];
    for (const [pointer, input] of faults) {
      const { body } = await verifying().decide(id, input).expect(400);
      expect(body).toMatchObject({ errors: [{ pointer }] });
    }
  });

  it('comes from verifiers and operators, on what exists: 403, 404, 412', async () => {
    const { node, gpuId } = await verifying().setup();
    const { id } = await verifying().challenge(gpuId);
    const path = `/v1/verifications/${id}/verdict`;
    await service().as(node.key).post(path).send({ verdict: 'unverifiable' }).expect(403);
    await verifying().decide(randomUUID(), { verdict: 'unverifiable' }).expect(404);
    await verifying().decide(id, { verdict: 'unverifiable' }).set('if-match', '"9"').expect(412);
  });
});

describe('a GPU that contradicts its model', () => {
  it('stays at its level while the finding is open, and rises once it is resolved', async () => {
    const { gpuId } = await verifying().setup({ specs: { memoryTotalMb: 12_288 } });
    const { body } = await verifying()
      .operator.get(`/v1/findings?gpuId=${gpuId}&kind=spec_mismatch`)
      .expect(200);
    expect(body.items).toHaveLength(1);
    expect(await verifying().verify(gpuId, 'spec', { verdict: 'valid' })).toMatchObject({ level: 0 });
    expect(await levelOf(gpuId)).toBe(0);
    await verifying().operator.post(`/v1/findings/${body.items[0].id}/resolve`).expect(200);
    expect(await verifying().verify(gpuId, 'spec', { verdict: 'valid' })).toMatchObject({ level: 1 });
  });

  it('cannot be raised by evidence that claims what it should be', async () => {
    const { gpuId } = await verifying().setup({ specs: { memoryTotalMb: 12_288 } });
    const claim = { specs: { memoryTotalMb: 24_564 } };
    expect(await verifying().verify(gpuId, 'spec', { verdict: 'valid' }, claim)).toMatchObject({ level: 0 });
    expect(await getGpu(service(), gpuId)).toMatchObject({ specs: { memoryTotalMb: 12_288 } });
  });

  it('is put on record by a verdict that has seen it, and keeps the level that it had', async () => {
    const { gpuId } = await verifying().setup();
    await verifying().verify(gpuId, 'spec', { verdict: 'valid' });
    const finding = { kind: 'spec_mismatch', detail: { nvml: 8, kernel: 1 } };
    const decided = await verifying().verify(gpuId, 'tee', { verdict: 'valid', findings: [finding] });
    expect(decided).toMatchObject({ level: 1, findings: [finding] });
    const { body } = await verifying().operator.get(`/v1/findings?gpuId=${gpuId}&state=open`).expect(200);
    expect(body.items).toMatchObject([finding]);
  });
});

describe('evidence that a valid verdict confirms', () => {
  it('becomes what is attested of the GPU', async () => {
    const { gpuId } = await verifying().setup();
    const claim = {
      specs: { memoryTotalMb: 24_560, streamingMultiprocessors: 128, cudaCores: -1, colour: 'red' },
      capabilities: { supportsEcc: true, supportsMig: 'no' },
    };
    await verifying().verify(gpuId, 'spec', { verdict: 'valid' }, claim);
    const { body } = await verifying().operator.get(`/v1/gpus/${gpuId}?include=layers`).expect(200);
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
    const { gpuId } = await verifying().setup();
    const claim = { specs: { memoryTotalMb: 12_288 } };
    expect(await verifying().verify(gpuId, 'spec', { verdict: 'valid' }, claim)).toMatchObject({ level: 0 });
    const { body } = await verifying().operator.get(`/v1/findings?gpuId=${gpuId}&state=open`).expect(200);
    expect(body.items).toMatchObject([{ kind: 'spec_mismatch' }]);
  });
});

describe('the history of verifications', () => {
  it('is kept, filtered and shown without evidence, to each caller its own', async () => {
    const { node, gpuId } = await verifying().setup();
    const first = await verifying().verify(gpuId, 'spec', { verdict: 'valid' });
    const second = await verifying().challenge(gpuId, 'tee');
    const ids = async (query: string) => (await listed(query)).map(({ id }: { id: string }) => id);
    expect(await ids(`gpuId=${gpuId}`)).toEqual([first.id, second.id]);
    expect(await ids(`gpuId=${gpuId}&sort=-createdAt`)).toEqual([second.id, first.id]);
    expect(await ids(`nodeId=${node.id}&kind=tee`)).toEqual([second.id]);
    expect(await ids(`providerId=${node.providerId}&level.gte=1`)).toEqual([first.id]);
    expect(await ids(`evidenceSha256=${first.evidenceSha256}&gpuId=${gpuId}`)).toEqual([first.id]);
    const [item] = await listed(`gpuId=${gpuId}&limit=1`);
    const { evidence: _, ...withoutEvidence } = first;
    expect(item).toEqual(withoutEvidence);
    const stranger = await createNode(service());
    expect((await service().as(stranger.key).get('/v1/verifications').expect(200)).body.items).toEqual([]);
    await service().as(stranger.key).get(`/v1/verifications/${first.id}`).expect(404);
    await verifying().operator.get('/v1/verifications?colour=red').expect(400);
  });
});

const listed = async (query: string) =>
  (await verifying().verifier.get(`/v1/verifications?${query}`).expect(200)).body.items;

const levelOf = async (gpuId: string) => (await getGpu(service(), gpuId)).verification.level;

async function lastChangeOf(gpuId: string) {
  const { rows } = await service().sql.query(
    'SELECT type, diff, reason FROM inventory.change WHERE subject_id = $1 ORDER BY version DESC LIMIT 1',
    [gpuId],
  );
  return rows[0];
}
