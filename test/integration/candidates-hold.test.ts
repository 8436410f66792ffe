import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getGpu } from '../support/gpu-inputs.ts';
import { openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

/** Sweeps as the service does by default; nodes stay online through the restart. */
const env = { HEARTBEAT_MIN_INTERVAL_S: '3600' };

let database: TestDatabase;
let service: TestService;
let open: Awaited<ReturnType<typeof openNode>>;

beforeAll(async () => {
  database = await createDatabase();
  service = await startService(env, database);
});
afterAll(async () => {
  await service.stop();
  await database.drop();
});
beforeEach(async () => {
  open = await openNode(service, { gpus: 1 });
});

it('a hold of candidates keeps everybody else out, and is over by itself, once', async () => {
  const hold = await holdFor(2);
  await service.as(open.tenant.key).post('/v1/allocations').send({ gpuIds: open.gpuIds }).expect(409);
  await isFree();
  expect(await ending(hold.id)).toEqual(['allocation.expired']);
});

it('with two services on one database it is over once', async () => {
  const other = await startService(env, database);
  const hold = await holdFor(1);
  await isFree();
  expect(await ending(hold.id)).toEqual(['allocation.expired']);
  await other.stop();
});

it('a service that was away meanwhile ends it as it comes back, once', async () => {
  const hold = await holdFor(1);
  await service.stop();
  service = await startService(env, database);
  await isFree();
  const shown = await service.as(open.tenant.key).get(`/v1/allocations/${hold.id}`).expect(200);
  expect(shown.body).toMatchObject({
    state: 'expired',
    endReason: 'hold_expired',
    releasedAt: hold.heldUntil,
  });
  expect(await ending(hold.id)).toEqual(['allocation.expired']);
});

async function holdFor(seconds: number): Promise<{ id: string; heldUntil: string }> {
  const request = { count: 1, filter: { nodeId: open.node.id }, holdTtlS: seconds };
  const { body } = await service.as(open.tenant.key).post('/v1/candidates').send(request).expect(200);
  return body.hold;
}

const isFree = () =>
  until('the GPU is free and the hold swept', async () => {
    const gpu = await getGpu(service, open.gpuIds[0] as string);
    const { rows } = await service.sql.query(
      'SELECT FROM inventory.allocation_gpu WHERE gpu_id = $1 AND released_at IS NULL',
      [gpu.id],
    );
    return gpu.allocationState === 'free' && rows.length === 0;
  });

/** What became of an allocation after it was made. */
async function ending(id: string): Promise<string[]> {
  const { rows } = await service.sql.query<{ type: string }>(
    'SELECT type FROM inventory.change WHERE subject_id = $1 AND version > 1 ORDER BY version',
    [id],
  );
  return rows.map(({ type }) => type);
}
