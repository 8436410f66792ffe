import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changesAfter, lastChange, versionFaults } from '../support/changes.ts';
import { createNode, createProvider } from '../support/fleet.ts';
import { getGpu, gpuInput, gpuInputs, putInventory } from '../support/gpu-inputs.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(async () => {
  const faults = await versionFaults(service.sql);
  await service.stop();
  expect(faults).toEqual([]);
});

describe('hardware', () => {
  it('of another provider is refused whole: the first keeps it, a finding stays, one for each uuid', async () => {
    const [first, second] = [await createNode(service), await createNode(service)];
    const [a, b, c] = gpuInputs(3) as [object, object, object];
    await putInventory(service, first, { generation: 1, gpus: [a, b] }).expect(200);
    const { uuid: uuidA } = a as { uuid: string };
    const { uuid: uuidB } = b as { uuid: string };
    for (let attempt = 0; attempt < 2; attempt++) {
      const refused = await putInventory(service, second, { generation: 1, gpus: [c, b, a] }).expect(409);
      expect(refused.body).toMatchObject({ code: 'gpu.hardware_conflict', uuids: [uuidB, uuidA] });
      expect(JSON.stringify(refused.body)).not.toContain(first.providerId);
    }
    const findings = await service.sql.query(
      'SELECT kind, state, detail FROM inventory.finding WHERE provider_id = $1 ORDER BY subject_key',
      [second.providerId],
    );
    const uuids = [uuidA, uuidB].toSorted();
    expect(findings.rows).toEqual(
      uuids.map((uuid) => ({ kind: 'hardware_conflict', state: 'open', detail: { vendor: 'nvidia', uuid } })),
    );
    const { body } = await service.as().get('/v1/gpus').query({ nodeId: second.id }).expect(200);
    expect(body.items).toEqual([]);
    const { body: node } = await service.as().get(`/v1/nodes/${second.id}`).expect(200);
    expect(node.inventoryGeneration).toBeNull();
  });

  it('of the same provider moves with its id and takes on the gates of its new node', async () => {
    const from = await createNode(service);
    const to = await createNode(service, from.providerId);
    await service.sql.query(
      `UPDATE inventory.node SET eligibility = 'ineligible', region = 'us' WHERE id = $1`,
      [to.id],
    );
    const gpu = gpuInput();
    const { body: added } = await putInventory(service, from, { generation: 1, gpus: [gpu] });
    const before = await lastChange(service.sql);
    const { body } = await putInventory(service, to, { generation: 1, gpus: [gpu] }).expect(200);
    expect(body.updated).toEqual(added.added);
    expect(await changesAfter(service.sql, before)).toEqual(['gpu.moved']);
    expect(await getGpu(service, added.added[0])).toMatchObject({
      nodeId: to.id,
      region: 'us',
      presence: 'present',
      unschedulableReasons: ['node_ineligible', 'node_not_heard'],
    });
    const { body: gone } = await putInventory(service, from, { generation: 2, gpus: [], confirmEmpty: true });
    expect(gone.missing).toEqual([]);
  });

  it('that is not what its model is gets a finding, which is resolved when that no longer holds', async () => {
    const node = await createNode(service);
    const gpu = gpuInput({ specs: { memoryTotalMb: 12_282 } });
    const { body } = await putInventory(service, node, { generation: 1, gpus: [gpu] }).expect(200);
    const states = async () =>
      (
        await service.sql.query(
          `SELECT state, detail -> 'mismatches' -> 0 ->> 'field' AS field FROM inventory.finding
            WHERE gpu_id = $1 AND kind = 'spec_mismatch' ORDER BY created_at`,
          [body.added[0]],
        )
      ).rows;
    expect(await states()).toEqual([{ state: 'open', field: 'memoryTotalMb' }]);
    await putInventory(service, node, { generation: 2, gpus: [{ ...gpu, index: 3 }] }).expect(200);
    expect(await states()).toHaveLength(1);
    await putInventory(service, node, {
      generation: 3,
      gpus: [{ ...gpu, specs: { memoryTotalMb: 24_564 } }],
    });
    expect(await states()).toEqual([{ state: 'resolved', field: 'memoryTotalMb' }]);
  });
});

describe('layers', () => {
  it('show who says what; what is observed counts more than what is declared', async () => {
    const provider = await createProvider(service);
    const node = await createNode(service, provider.id);
    const declared = gpuInput({ specs: { memoryTotalMb: 24_000, cudaCores: 16_384, powerLimitW: 450 } });
    const { body: gpu } = await service
      .as(provider.key)
      .post('/v1/gpus')
      .send({ nodeId: node.id, ...declared, capabilities: { supportsNvlink: true } })
      .expect(201);
    expect(gpu.specs.memoryTotalMb).toBe(24_000);
    const observed = { ...declared, specs: { memoryTotalMb: 24_564, powerLimitW: 400 } };
    await putInventory(service, node, { generation: 1, gpus: [observed] }).expect(200);
    const { body } = await service.as().get(`/v1/gpus/${gpu.id}?include=layers`).expect(200);
    expect(body.specs).toMatchObject({
      memoryTotalMb: 24_564,
      cudaCores: 16_384,
      powerLimitW: 400,
      tensorCores: null,
    });
    expect(body.layers).toMatchObject({
      memoryTotalMb: { declared: 24_000, observed: { agent: 24_564 }, attested: null, agreement: true },
      powerLimitW: { declared: 450, observed: { agent: 400 }, attested: null, agreement: false },
      cudaCores: { declared: 16_384, observed: {}, attested: null, agreement: null },
      supportsNvlink: { declared: true, observed: {}, attested: null, agreement: null },
      tensorCores: { declared: null, observed: {}, attested: null, agreement: null },
    });
    await service.as().get(`/v1/gpus/${gpu.id}?include=colours`).expect(400);
  });

  it('keep what an agent observes in force against a patch', async () => {
    const node = await createNode(service);
    const { body } = await putInventory(service, node, { generation: 1, gpus: [gpuInput()] });
    const patched = await service
      .as()
      .patch(`/v1/gpus/${body.added[0]}`)
      .set('if-match', '"1"')
      .send({ specs: { memoryTotalMb: 99_999, tensorCores: 512 } })
      .expect(200);
    expect(patched.body).toMatchObject({ version: 2, specs: { memoryTotalMb: 24_564, tensorCores: 512 } });
  });
});
