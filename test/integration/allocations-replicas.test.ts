import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { disagreements } from '../support/agreement.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { unswept } from '../support/ledger.ts';
import { openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

const each = 12;
const cleaning = { CLEANING_REQUIRED: 'true', CLEANING_TIMEOUT_S: '1' };

let database: TestDatabase;
let service: TestService;
const replicas: TestService[] = [];

beforeAll(async () => {
  database = await createDatabase();
  service = await startService({ ...unswept, ...cleaning, HEARTBEAT_MIN_INTERVAL_S: '3600' }, database);
  const sweeping = { ALLOCATION_SWEEP_INTERVAL_MS: '10', ...cleaning };
  for (const _ of ['one', 'another']) replicas.push(await startService(sweeping, database));
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await service.stop();
  await database.drop();
});

it('two services on one database end each hold, each drained allocation and each cleaning once', async () => {
  const [holds, drained, dirty] = [await open(), await open(), await open()];
  const held = await claimEach(holds, { holdTtlS: 1 });
  const onDrained = await claimEach(drained, {});
  for (const id of await claimEach(dirty, {}))
    await service.as(dirty.tenant.key).post(`/v1/allocations/${id}/release`).expect(200);
  await service.as().post(`/v1/nodes/${drained.node.id}/drain`).send({ deadlineS: 1 }).expect(200);

  await until('all of it is over', async () => {
    const ends = await Promise.all([
      count('allocation.expired', held),
      count('allocation.interrupted', onDrained),
      count('gpu.quarantined', dirty.gpuIds),
    ]);
    return ends.every((ended) => ended >= each);
  });
  await until('the drained GPUs are given up as well', async () => {
    return (await count('gpu.quarantined', drained.gpuIds)) >= each;
  });
  expect(await count('allocation.expired', held)).toBe(each);
  expect(await count('allocation.interrupted', onDrained)).toBe(each);
  expect(await count('gpu.quarantined', dirty.gpuIds)).toBe(each);
  expect(await count('gpu.quarantined', drained.gpuIds)).toBe(each);
  expect(await count('gpu.released', [...holds.gpuIds, ...drained.gpuIds, ...dirty.gpuIds])).toBe(3 * each);
  expect(await disagreements(service.sql)).toEqual([]);
}, 60_000);

type Open = Awaited<ReturnType<typeof openNode>>;

const open = (): Promise<Open> => openNode(service, { gpus: each });

/** An allocation for each GPU; their ids. */
const claimEach = ({ gpuIds, tenant }: Open, more: object): Promise<string[]> =>
  Promise.all(
    gpuIds.map(async (gpuId) => {
      const body = { gpuIds: [gpuId], ...more };
      return (await service.as(tenant.key).post('/v1/allocations').send(body).expect(201)).body.id;
    }),
  );

/** Change rows of a type about these objects. */
async function count(type: string, ids: readonly string[]): Promise<number> {
  const { rows } = await service.sql.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM inventory.change WHERE type = $1 AND subject_id = ANY($2)',
    [type, ids],
  );
  return rows[0]?.n ?? 0;
}
