import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createKey, createNode } from '../support/fleet.ts';
import { createGpus, gpuInput } from '../support/gpu-inputs.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let operator: Client;
beforeAll(async () => {
  service = await startService();
  operator = service.as();
});
afterAll(() => service.stop());

describe('a finding', () => {
  it('says what contradicts what, and of which GPU', async () => {
    const { node, gpuId, finding } = await setup();
    expect(finding).toEqual({
      id: expect.any(String),
      kind: 'spec_mismatch',
      subjectKey: gpuId,
      providerId: node.providerId,
      nodeId: node.id,
      gpuId,
      detail: expect.objectContaining({ modelId: 'nvidia-rtx-4090-24gb' }),
      state: 'open',
      resolution: null,
      version: 1,
      createdAt: expect.any(String),
      resolvedAt: null,
    });
  });

  it('is found by every documented filter', async () => {
    const { node, gpuId, finding } = await setup();
    const filters = [
      `gpuId=${gpuId}&state=open`,
      `nodeId=${node.id}&kind=spec_mismatch`,
      `providerId=${node.providerId}&createdAt.lte=2100-01-01T00:00:00Z`,
      `subjectKey=${gpuId}&resolvedAt.exists=false`,
    ];
    for (const filter of filters) expect(await listed(filter)).toEqual([finding]);
    expect(await listed(`gpuId=${gpuId}&state=resolved`)).toEqual([]);
    expect(await listed(`gpuId=${gpuId}&sort=-createdAt&fields=kind`)).toEqual([
      { id: finding.id, kind: 'spec_mismatch' },
    ]);
    await operator.get('/v1/findings?colour=red').expect(400);
  });

  it('is shown to its provider and its node’s agent, and to no other of them', async () => {
    const { node, finding } = await setup();
    const provider = await createKey(service, { role: 'provider', providerId: node.providerId });
    for (const key of [provider, node.key]) {
      const { body } = await service.as(key).get('/v1/findings').expect(200);
      expect(body.items).toEqual([finding]);
    }
    const stranger = await createNode(service);
    expect((await service.as(stranger.key).get('/v1/findings').expect(200)).body.items).toEqual([]);
    await service.as(null).get('/v1/findings').expect(401);
  });
});

describe('the resolution of a finding', () => {
  it('closes it with its words and one event, and closes it once', async () => {
    const { finding } = await setup();
    const resolution = 'The provider corrected the claim.';
    const reply = await resolve(finding.id, { resolution }).expect(200);
    expect(reply.body).toEqual({
      ...finding,
      state: 'resolved',
      resolution,
      version: 2,
      resolvedAt: expect.any(String),
    });
    expect(reply.headers.etag).toBe('"2"');
    const again = await resolve(finding.id, { resolution: 'Something else.' }).expect(200);
    expect(again.body).toEqual(reply.body);
    const { rows } = await service.sql.query(
      'SELECT type, version::int, reason FROM inventory.change WHERE subject_id = $1 ORDER BY version',
      [finding.id],
    );
    expect(rows).toEqual([
      { type: 'finding.opened', version: 1, reason: null },
      { type: 'finding.resolved', version: 2, reason: resolution },
    ]);
    expect(await versionFaults(service.sql)).toEqual([]);
  });

  it('needs no words', async () => {
    const { finding } = await setup();
    const { body } = await operator.post(`/v1/findings/${finding.id}/resolve`).expect(200);
    expect(body).toMatchObject({ state: 'resolved', resolution: null });
  });

  it('is an operator’s, of what exists, in the version that it names: 403, 404, 412, 400', async () => {
    const { node, finding } = await setup();
    const provider = await createKey(service, { role: 'provider', providerId: node.providerId });
    await service.as(provider).post(`/v1/findings/${finding.id}/resolve`).send({}).expect(403);
    const { body } = await resolve(randomUUID(), {}).expect(404);
    expect(body.code).toBe('finding.not_found');
    await resolve(finding.id, {}).set('if-match', '"5"').expect(412);
    await resolve(finding.id, { resolution: '' }).expect(400);
    expect(await listed(`gpuId=${finding.gpuId}&state=open`)).toHaveLength(1);
  });
});

/** A GPU that claims to be a 4090 with 12 GiB, and the finding that this opened. */
async function setup() {
  const node = await createNode(service);
  const [gpu] = await createGpus(service, node, [gpuInput({ specs: { memoryTotalMb: 12_288 } })]);
  const gpuId = gpu?.id ?? '';
  const [finding] = await listed(`gpuId=${gpuId}`);
  return { node, gpuId, finding };
}

const listed = async (query: string) => (await operator.get(`/v1/findings?${query}`).expect(200)).body.items;

const resolve = (id: string, body: object) => operator.post(`/v1/findings/${id}/resolve`).send(body);
