import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createGpus, gpuInput } from '../support/gpu-inputs.ts';
import { ledgerFaults, quotaFaults, unswept } from '../support/ledger.ts';
import { LedgerModel, type ModelGpu } from '../support/ledger-model.ts';
import { parallel, tally } from '../support/outcomes.ts';
import { createTenant, openNode, type TestTenant } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService(unswept);
});
afterAll(async () => {
  expect(await ledgerFaults(service.sql)).toEqual([]);
  expect(await quotaFaults(service.sql)).toEqual([]);
  await service.stop();
});

describe('whole GPUs, shares and partitions at random', () => {
  it('are given out exactly where the model allows it, and nothing illegal by direct SQL either', async () => {
    const { gpus, tenant } = await fleet();
    const share = fc.constantFrom(1, 200, 333, 500, 667, 1000);
    const index = fc.nat({ max: gpus.length - 1 });
    const steps = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant('claim' as const),
          of: fc.uniqueArray(index, { minLength: 1, maxLength: 2 }),
          share,
        }),
      },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('release' as const), nth: fc.nat() }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('sql' as const), of: index, share }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 12, maxLength: 18 }), async (sequence) => {
        const model = new LedgerModel(gpus);
        for (const step of sequence) {
          const live = model.allocationIds;
          if (step.kind === 'claim') {
            const gpuIds = step.of.map((at) => (gpus[at] as ModelGpu).id);
            const allowed = model.allows(gpuIds, step.share);
            const { status, body } = await claim(tenant, { gpuIds, share: step.share });
            expect({ step, status }).toEqual({ step, status: allowed ? 201 : 409 });
            if (allowed) model.take(body.id, gpuIds, step.share);
            else expect(body.code).toBe('gpu.unavailable');
          } else if (step.kind === 'sql') {
            const gpu = gpus[step.of] as ModelGpu;
            const outcome = model.allows([gpu.id], step.share) ? 'booked' : 'refused';
            expect({ step, outcome: await book(tenant, gpu, step.share) }).toEqual({ step, outcome });
          } else if (live.length > 0) {
            const id = live[step.nth % live.length] as string;
            await release(tenant, id);
            model.release(id);
          }
          expect(await counters(gpus)).toEqual(
            Object.fromEntries(gpus.map(({ id }) => [id, model.used(id)])),
          );
          expect(await ledgerFaults(service.sql)).toEqual([]);
        }
        for (const id of model.allocationIds) await release(tenant, id);
      }),
      { numRuns: 12, seed: 20_261_125, endOnFailure: true },
    );
  });
});

describe('parallel claims', () => {
  it('of shares of one GPU: as many as fit into it', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 1 });
    const replies = await parallel(40, () => claim(tenant, { gpuIds, share: 140 }));
    expect(tally(replies)).toEqual({ '201': 7, '409 gpu.unavailable': 33 });
  });

  it('of shares by request on two GPUs: as many as fit into both', async () => {
    const { node, tenant } = await openNode(service, { gpus: 2 });
    const request = { count: 1, filter: { nodeId: node.id } };
    const replies = await parallel(20, () => claim(tenant, { request, share: 250 }));
    expect(tally(replies)).toEqual({ '201': 8, '409 allocation.no_capacity': 12 });
  });

  it('of shares and of the whole: either the whole or as many shares as fit, never both', async () => {
    const { gpuIds, tenant } = await openNode(service, { gpus: 1 });
    const replies = await parallel(40, (at) => claim(tenant, { gpuIds, share: at % 2 === 0 ? 1000 : 250 }));
    const won = replies.flatMap(({ status, body }) => (status === 201 ? body.gpus[0].share : []));
    expect([[1000], [250, 250, 250, 250]]).toContainEqual(won);
    expect(tally(replies)).toEqual({ '201': won.length, '409 gpu.unavailable': 40 - won.length });
  });

  it('of partitions and of their physical GPU: either all partitions or the GPU, never both', async () => {
    const { gpus, tenant } = await fleet();
    const [root, ...parts] = gpus as [ModelGpu, ...ModelGpu[]];
    const partitions = parts.filter((gpu) => gpu.root === root.id);
    const wanted = [...partitions, root, root];
    const replies = await parallel(wanted.length * 5, (at) =>
      claim(tenant, { gpuIds: [(wanted[at % wanted.length] as ModelGpu).id] }),
    );
    const won = replies.flatMap(({ status, body }) => (status === 201 ? body.gpus[0].gpuId : [])).sort();
    expect([[root.id], partitions.map(({ id }) => id).sort()]).toContainEqual(won);
    expect(tally(replies)).toEqual({ '201': won.length, '409 gpu.unavailable': replies.length - won.length });
  });

  it('of partitions by request beside claims of all of them by id: nobody deadlocks, nothing is lost', async () => {
    const { gpus, tenant } = await fleet();
    const partitions = gpus.filter(({ id, root }) => id !== root).map(({ id }) => id);
    const request = { count: 2, filter: { parentGpuId: (gpus[0] as ModelGpu).id } };
    const replies = await parallel(24, async (at) => {
      const reply = await claim(tenant, at % 2 === 0 ? { request } : { gpuIds: partitions.toReversed() });
      if (reply.status === 201) await release(tenant, reply.body.id);
      return reply;
    });
    expect(Object.keys(tally(replies)).sort()).toEqual(expect.arrayContaining(['201']));
    for (const { status } of replies) expect([201, 409]).toContain(status);
    await claim(tenant, { gpuIds: partitions }).expect(201);
  });
});

/** A physical GPU with three partitions and a plain one, on one node. */
async function fleet(): Promise<{ gpus: ModelGpu[]; tenant: TestTenant }> {
  const { node, gpuIds } = await openNode(service, { gpus: 1 });
  const specs = (memoryTotalMb: number, streamingMultiprocessors: number) => ({
    memoryTotalMb,
    streamingMultiprocessors,
  });
  const parent = gpuInput({ index: 9, specs: specs(40_000, 100) });
  const parts = [specs(20_000, 40), specs(10_000, 40), specs(10_000, 20)];
  const made = await createGpus(service, node, [
    parent,
    ...parts.map((part, at) =>
      gpuInput({ index: 10 + at, uuid: `MIG-${randomUUID()}`, parentUuid: parent.uuid, specs: part }),
    ),
  ]);
  const [root, ...children] = made.map(({ id }) => id) as [string, ...string[]];
  const whole = { compute: 1000, memory: 1000 };
  return {
    tenant: await createTenant(service, { maxGpus: 1000 }),
    gpus: [
      { id: root, root, ...whole },
      ...children.map((id, at) => ({
        id,
        root,
        compute: (parts[at]?.streamingMultiprocessors ?? 0) * 10,
        memory: (parts[at]?.memoryTotalMb ?? 0) / 40,
      })),
      { id: gpuIds[0] as string, root: gpuIds[0] as string, ...whole },
    ],
  };
}

const claim = ({ key }: TestTenant, body: object) => service.as(key).post('/v1/allocations').send(body);
const release = ({ key }: TestTenant, id: string) =>
  service.as(key).post(`/v1/allocations/${id}/release`).expect(200);

async function counters(gpus: readonly ModelGpu[]): Promise<Record<string, number>> {
  const { rows } = await service.sql.query<{ id: string; used: number }>(
    'SELECT gpu_id AS id, used_units AS used FROM inventory.gpu_state WHERE gpu_id = ANY($1)',
    [gpus.map(({ id }) => id)],
  );
  return Object.fromEntries(rows.map(({ id, used }) => [id, used]));
}

/** Books a share by direct SQL, for an allocation of its own; what the database takes is undone again. */
async function book(tenant: TestTenant, gpu: ModelGpu, share: number): Promise<'booked' | 'refused'> {
  const part = (of: number): number => Math.max(1, Math.floor((share * of) / 1000));
  const isPartition = gpu.id !== gpu.root;
  const client = await service.sql.connect();
  await client.query('BEGIN');
  try {
    await client.query(
      `WITH a AS (INSERT INTO inventory.allocation (id, tenant_id, state) VALUES ($1, $2, 'active') RETURNING id)
       INSERT INTO inventory.allocation_gpu (allocation_id, gpu_id, root_gpu_id, node_id, provider_id, units, root_units,
                                             root_memory_units, exclusive)
       SELECT a.id, s.gpu_id, s.root_gpu_id, s.node_id, s.provider_id, $4::int, $5::int, $6::int, $4::int = 1000
         FROM a, inventory.gpu_state s WHERE s.gpu_id = $3`,
      [
        randomUUID(),
        tenant.id,
        gpu.id,
        share,
        isPartition ? part(gpu.compute) : share,
        isPartition ? part(gpu.memory) : null,
      ],
    );
    return 'booked';
  } catch (error) {
    expect(String(error)).toMatch(/gpu_state_(units|partition)_check|allocation_gpu_exclusive_key/);
    return 'refused';
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}
