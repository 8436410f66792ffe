import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { getGpu } from '../support/gpu-inputs.ts';
import { unswept } from '../support/ledger.ts';
import { damage, expectRepair, reconcile } from '../support/reconciling.ts';
import { openNode } from '../support/schedulable.ts';
import { startService, type TestService } from '../support/service.ts';

/** The settings that the command shares with the service. */
const asked = { CLEANING_REQUIRED: 'true' };

let service: TestService;
let open: Awaited<ReturnType<typeof openNode>>;
let gpuIds: [string, string, string];
beforeAll(async () => {
  service = await startService({ ...unswept, ...asked, RECONCILE_INTERVAL_S: '0' });
});
afterAll(() => service.stop());
beforeEach(async () => {
  open = await openNode(service, { gpus: 3 });
  gpuIds = open.gpuIds as typeof gpuIds;
});

describe('a GPU that was used where cleaning is asked for', () => {
  it('and was given back without it, waits for it after all', async () => {
    const id = await use(0);
    await damage(
      service,
      `DELETE FROM inventory.gpu_cleaning WHERE gpu_id = '${gpuIds[0]}';
       UPDATE inventory.gpu_state SET blocks = 0 WHERE gpu_id = '${gpuIds[0]}'`,
    );
    await expectRepair(service, 'missed-cleaning', [gpuIds[0]], asked);
    expect(await getGpu(service, gpuIds[0])).toMatchObject({
      allocationState: 'cleaning',
      unschedulableReasons: ['gpu_cleaning'],
    });
    await report(0, id).expect(200);
    expect((await getGpu(service, gpuIds[0])).schedulable).toBe(true);
    await nothingFound();
  });

  it('is known by what its node asks for, whatever the setting of the command', async () => {
    const patched = service.as().patch(`/v1/nodes/${open.node.id}`).set('if-match', '*');
    await patched.send({ cleaningRequired: false }).expect(200);
    await use(0);
    await nothingFound();
    const again = service.as().patch(`/v1/nodes/${open.node.id}`).set('if-match', '*');
    await again.send({ cleaningRequired: true }).expect(200);
    await expectRepair(service, 'missed-cleaning', [gpuIds[0]], { CLEANING_REQUIRED: 'false' });
    expect((await getGpu(service, gpuIds[0])).allocationState).toBe('cleaning');
    await vouch(0);
  });

  it('and was given back by a repair, waits for it, too', async () => {
    const [first, second] = [await claim(0), await claim(1)];
    await damage(
      service,
      `UPDATE inventory.allocation SET state = 'released', released_at = clock_timestamp() WHERE id = '${first}';
       DELETE FROM inventory.allocation_gpu WHERE allocation_id = '${second}'`,
    );
    await service.sql.query('UPDATE inventory.allocation SET version = version + 1 WHERE id = $1', [first]);
    await expectRepair(service, 'ghost-share', [gpuIds[0]], asked);
    expect((await getGpu(service, gpuIds[0])).allocationState).toBe('cleaning');
    expect((await getGpu(service, gpuIds[1])).schedulable).toBe(true);
    await vouch(0);
  });

  it.each<[string, () => PromiseLike<unknown>]>([
    ['was cleaned', async () => report(0, await use(0)).expect(200)],
    ['waits', () => use(0)],
    ['was vouched for', async () => [await use(0), await vouch(0)]],
    ['was given up', async () => report(0, await use(0), { outcome: 'failed' }).expect(200)],
    ['was only held', async () => release((await claimed(0, { holdTtlS: 60 }).expect(201)).body.id)],
    ['is still in use', () => claim(0)],
  ])('and %s, has not drifted', async (_how, happens) => {
    await happens();
    await nothingFound();
  });
});

describe('the gate of cleaning', () => {
  it('is opened where there is nothing to clean, and shut where there is', async () => {
    const id = await use(0);
    await damage(
      service,
      `UPDATE inventory.gpu_state SET blocks = 0 WHERE gpu_id = '${gpuIds[0]}';
       UPDATE inventory.gpu_state SET blocks = 2048 WHERE gpu_id = '${gpuIds[1]}'`,
    );
    await expectRepair(service, 'stale-cleaning-gate', [gpuIds[0], gpuIds[1]], asked);
    expect((await getGpu(service, gpuIds[0])).unschedulableReasons).toEqual(['gpu_cleaning']);
    expect((await getGpu(service, gpuIds[1])).unschedulableReasons).toEqual([]);
    await report(0, id).expect(200);
  });
});

const claimed = (place: number, more: object = {}) =>
  service
    .as(open.tenant.key)
    .post('/v1/allocations')
    .send({ gpuIds: [gpuIds[place]], ...more });
const claim = async (place: number): Promise<string> => (await claimed(place).expect(201)).body.id;
const release = (id: string) => service.as(open.tenant.key).post(`/v1/allocations/${id}/release`).expect(200);

/** Claims and releases it; the allocation that has left something on it. */
async function use(place: number): Promise<string> {
  const id = await claim(place);
  await release(id);
  return id;
}

const report = (place: number, allocationId: string, more: object = {}) =>
  service
    .as(open.node.key)
    .post(`/v1/gpus/${gpuIds[place]}/cleaning`)
    .send({ allocationId, ...more });
const vouch = (place: number) =>
  service.as().post(`/v1/gpus/${gpuIds[place]}/cleaning`).send({ reason: 'wiped by hand' }).expect(200);

async function nothingFound(): Promise<void> {
  const { code, answer } = await reconcile(service, [], asked);
  expect(answer.drifts.filter(({ found }) => found > 0)).toEqual([]);
  expect(code).toBe(0);
}
