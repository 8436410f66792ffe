import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { pino } from 'pino';
import type { Role } from '../../src/kernel/context.ts';
import { Database } from '../../src/kernel/db/database.ts';
import type { CatalogueApi } from '../../src/modules/catalogue/index.ts';
import { GpuRegistrar } from '../../src/modules/inventory/gpus/registrar.ts';
import type { LiveAllocation } from '../../src/modules/inventory/ports.ts';
import { SnapshotService } from '../../src/modules/inventory/snapshots/service.ts';
import { changesAfter, lastChange } from '../support/changes.ts';
import { createNode, type TestNode } from '../support/fleet.ts';
import { getGpu, gpuInputs } from '../support/gpu-inputs.ts';
import { startService, type TestService } from '../support/service.ts';

const noModels: CatalogueApi = {
  resolve: () => 'uncatalogued',
  model: () => undefined,
  find: (text) => [text],
  models: () => [],
};

let service: TestService;
let db: Database;
let snapshots: SnapshotService;
let node: TestNode;
/** What the ledger was told and what it answers. */
const ledger = { lost: [] as string[][], back: [] as string[][], live: [] as LiveAllocation[] };

beforeAll(async () => {
  service = await startService();
  const log = pino({ level: 'silent' });
  db = new Database({ pool: new pg.Pool({ connectionString: service.database.url }), log });
  snapshots = new SnapshotService({
    kernel: { db },
    catalogue: noModels,
    registrar: new GpuRegistrar(db, noModels, { minVerificationLevel: 0 }),
    ports: {
      gpusLost: async (_tx, ids) => void ledger.lost.push([...ids]),
      usedBeside: async () => [],
      gpusBack: async (_tx, ids) => void ledger.back.push([...ids]),
      liveAllocations: async (_tx, ids) => ledger.live.filter(({ gpuId }) => ids.includes(gpuId)),
    },
  });
});
afterAll(async () => {
  await db.close();
  await service.stop();
});
beforeEach(async () => {
  node = await createNode(service);
  Object.assign(ledger, { lost: [], back: [], live: [] });
});

const put = (role: Role, generation: number, gpus: ReturnType<typeof gpuInputs>, on: TestNode = node) =>
  snapshots.put(
    {
      principal: { keyId: on.id, role, providerId: on.providerId, nodeId: on.id, tenantId: null, scopes: [] },
      requestId: 'test',
      idempotency: null,
      log: pino({ level: 'silent' }),
    },
    on.id,
    { generation, complete: true, confirmEmpty: false, gpus: gpus as never },
  );

describe('GPUs that leave while they are allocated', () => {
  it('cannot be declared away: the allocations are named and nothing changes', async () => {
    const gpus = gpuInputs(3);
    const { added } = await put('provider', 1, gpus);
    ledger.live = [{ allocationId: 'a', tenantId: 't', gpuId: added[0] as string }];
    const before = await lastChange(service.sql);
    for (const role of ['provider', 'operator'] as const) {
      await expect(put(role, 2, gpus.slice(1))).rejects.toMatchObject({
        status: 409,
        code: 'inventory.gpus_allocated',
        members: { allocations: [{ allocationId: 'a', gpuId: added[0] }] },
      });
    }
    expect(await changesAfter(service.sql, before)).toEqual([]);
    expect(ledger.lost).toEqual([]);
    expect((await put('provider', 2, gpus.slice(0, 2))).missing).toEqual([added[2]]);
  });

  it('are believed to be gone when an agent has seen it, and the ledger hears of it in the same transaction', async () => {
    const gpus = gpuInputs(3);
    const { added } = await put('agent', 1, gpus);
    expect(ledger.lost).toEqual([]);
    ledger.live = [{ allocationId: 'a', tenantId: 't', gpuId: added[0] as string }];
    expect((await put('agent', 2, gpus.slice(1))).missing).toEqual([added[0]]);
    expect(ledger.lost).toEqual([[added[0]]]);
    await put('agent', 3, gpus.slice(1));
    expect(ledger.lost).toHaveLength(1);
    expect(ledger.back).toEqual([]);
    expect((await put('agent', 4, gpus)).returned).toEqual([added[0]]);
    expect(ledger).toMatchObject({ lost: [[added[0]]], back: [[added[0]]] });
  });

  it('are lost to their users when they turn up on another node', async () => {
    const gpus = gpuInputs(2);
    const { added } = await put('agent', 1, gpus);
    const other = await createNode(service, node.providerId);
    ledger.live = [{ allocationId: 'a', tenantId: 't', gpuId: added[1] as string }];
    await expect(put('provider', 1, gpus, other)).rejects.toMatchObject({ code: 'inventory.gpus_allocated' });
    expect((await put('agent', 1, gpus, other)).updated).toEqual(added);
    expect(ledger.lost).toEqual([added]);
    expect(await getGpu(service, added[1] as string)).toMatchObject({
      nodeId: other.id,
      presence: 'present',
    });
  });
});
