import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { versionFaults } from '../support/changes.ts';
import { createNode, createProvider, type TestNode, type TestProvider } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInput } from '../support/gpu-inputs.ts';
import { startService, type TestService } from '../support/service.ts';
import { createSweeper, miss, type TestSweeper } from '../support/sweeping.ts';

let service: TestService;
let provider: TestProvider;
let node: TestNode;
let sweeper: TestSweeper;
let sequence = 0;
beforeAll(async () => {
  service = await startService({ SWEEP_INTERVAL_MS: '3600000', FLAPPING_LIMIT: '2' });
  sweeper = createSweeper(service);
  await sweeper.sweep();
});
afterAll(async () => {
  expect(await versionFaults(service.sql)).toEqual([]);
  await sweeper.close();
  await service.stop();
});
beforeEach(async () => {
  await service.sql.query('DELETE FROM inventory.node_heartbeat');
  provider = await createProvider(service);
  node = await createNode(service, provider.id);
  await beat();
});

const beat = (of = node, status = 'healthy') =>
  service.as(of.key).post('/v1/heartbeats').send({ nodeId: of.id, sequence: ++sequence, status }).expect(202);

/** Late, then offline. */
async function lapse(of = node): Promise<void> {
  await miss(service, [of], 11);
  await sweeper.sweep();
  await sweeper.sweep();
}

const incidents = async (query: string, key?: string) =>
  (await service.as(key).get(`/v1/incidents?${query}`).expect(200)).body.items;
const eventsOf = async (id = node.id): Promise<string[]> =>
  (
    await service.sql.query('SELECT type FROM inventory.change WHERE subject_id = $1 ORDER BY version', [id])
  ).rows.map(({ type }) => type);
const view = async () => (await service.as().get(`/v1/nodes/${node.id}`).expect(200)).body;

describe('an incident', () => {
  it('opens when a node goes offline, from its last heartbeat on, and not while it is late', async () => {
    const { lastHeartbeatAt } = await view();
    await miss(service, [node], 1);
    await sweeper.sweep();
    expect(await incidents(`nodeId=${node.id}`)).toEqual([]);
    await lapse();
    expect(await incidents(`nodeId=${node.id}`)).toEqual([
      {
        id: expect.any(String),
        nodeId: node.id,
        providerId: provider.id,
        kind: 'offline',
        open: true,
        startedAt: lastHeartbeatAt,
        endedAt: null,
        durationS: expect.any(Number),
      },
    ]);
  });

  it('closes with the next heartbeat, to the moment that this was received', async () => {
    await lapse();
    const silentS = 754;
    await service.sql.query(
      'UPDATE inventory.incident SET started_at = started_at - make_interval(secs => $2) WHERE node_id = $1',
      [node.id, silentS],
    );
    const { body } = await beat();
    const [incident] = await incidents(`nodeId=${node.id}`);
    expect(incident).toMatchObject({ open: false, endedAt: body.serverTime });
    expect(incident.durationS).toBeCloseTo(
      (Date.parse(incident.endedAt) - Date.parse(incident.startedAt)) / 1000,
      2,
    );
    expect(incident.durationS).toBeGreaterThanOrEqual(silentS);
    await beat();
    expect(await incidents(`nodeId=${node.id}`)).toEqual([incident]);
  });

  it('does not charge a node with silence from before we listened', async () => {
    await service.sql.query(
      `UPDATE inventory.node_heartbeat SET last_heartbeat_at = now() - interval '1 hour' WHERE node_id = $1`,
      [node.id],
    );
    const fresh = createSweeper(service);
    await fresh.sweep();
    fresh.passSeconds(5);
    await miss(service, [node], 30);
    await fresh.sweep();
    await fresh.sweep();
    await fresh.close();
    const [incident] = await incidents(`nodeId=${node.id}&open=true`);
    const { rows } = await service.sql.query(
      `SELECT max(at) < $2::timestamptz + interval '30 s' AS ours FROM inventory.change WHERE subject_id = $1`,
      [node.id, incident.startedAt],
    );
    expect(rows).toEqual([{ ours: true }]);
  });

  it('is one open one of a node, by the database', async () => {
    await lapse();
    const second = service.sql.query(
      `INSERT INTO inventory.incident (id, node_id, provider_id, kind, started_at)
       VALUES (gen_random_uuid(), $1, $2, 'offline', now())`,
      [node.id, provider.id],
    );
    await expect(second).rejects.toMatchObject({ code: '23505', constraint: 'incident_open_key' });
  });

  it('ends with its node, and with the provider of its node', async () => {
    const other = await createNode(service, provider.id);
    await beat(other);
    await lapse(node);
    await lapse(other);
    expect(await incidents(`providerId=${provider.id}&open=true`)).toHaveLength(2);
    await service.as().delete(`/v1/nodes/${node.id}`).set('if-match', '*').expect(204);
    expect(await incidents(`providerId=${provider.id}&open=true`)).toHaveLength(1);
    await service.as().delete(`/v1/providers/${provider.id}`).set('if-match', '*').expect(204);
    expect(await incidents(`providerId=${provider.id}&open=true`)).toEqual([]);
    const { rows } = await service.sql.query('SELECT FROM inventory.node_heartbeat WHERE provider_id = $1', [
      provider.id,
    ]);
    expect(rows).toEqual([]);
  });
});

describe('GET /v1/incidents', () => {
  it('finds those that a range meets, by node, provider, kind and whether they are open', async () => {
    await lapse();
    await service.sql.query(
      `UPDATE inventory.incident SET started_at = '2026-01-01T10:00:00Z', ended_at = '2026-01-01T12:00:00Z'
        WHERE node_id = $1`,
      [node.id],
    );
    await beat();
    await lapse();
    const count = async (query: string) => (await incidents(`nodeId=${node.id}&${query}`)).length;
    expect(await count('from=2026-01-01T11:00:00Z&to=2026-01-01T11:01:00Z')).toBe(1);
    expect(await count('from=2026-01-01T12:00:00Z&to=2026-01-02T00:00:00Z')).toBe(0);
    expect(await count('to=2026-01-01T10:00:00Z')).toBe(0);
    expect(await count('from=2026-01-01T11:59:59Z')).toBe(2);
    expect([await count('open=true'), await count('open=false')]).toEqual([1, 1]);
    expect([await count('kind=offline'), await count('kind=unknown')]).toEqual([2, 0]);
    expect(
      (await incidents(`providerId=${provider.id}&sort=-startedAt`)).map((i: { open: boolean }) => i.open),
    ).toEqual([true, false]);
  });

  it('shows providers and agents their own', async () => {
    await lapse();
    const stranger = await createNode(service);
    expect(await incidents(`nodeId=${node.id}`, provider.key)).toHaveLength(1);
    expect(await incidents('', node.key)).toHaveLength(1);
    expect(await incidents(`nodeId=${node.id}`, stranger.key)).toEqual([]);
    expect(await incidents(`nodeId=${node.id}`, (await createProvider(service)).key)).toEqual([]);
  });
});

describe('a node that goes offline more often than it may', () => {
  let gpuId: string;
  beforeEach(async () => {
    gpuId = (await createGpus(service, node, [gpuInput()]))[0]?.id ?? '';
  });
  const reasons = async () => (await getGpu(service, gpuId)).unschedulableReasons;
  /** As if heartbeats went on coming. */
  const beOnTime = () =>
    service.sql.query(
      `UPDATE inventory.node_heartbeat SET deadline_at = now() + interval '1 day' WHERE node_id = $1`,
      [node.id],
    );
  const flap = async (times: number) => {
    for (let time = 0; time < times; time++) {
      await lapse();
      await beat();
    }
  };

  it('is heard, and takes no work; its GPUs say why, and so do those that come later', async () => {
    await flap(2);
    expect([await reasons(), (await view()).flappingSince]).toEqual([[], null]);
    await flap(1);
    expect(await view()).toMatchObject({ liveness: 'online', flappingSince: expect.any(String) });
    expect(await reasons()).toEqual(['node_flapping']);
    const [late] = await createGpus(service, node, [gpuInput()]);
    expect(late?.unschedulableReasons).toEqual(['node_flapping']);
    expect((await eventsOf()).slice(-3)).toEqual(['node.late', 'node.offline', 'node.online']);
  });

  it('takes work again once it was stable for long enough, by one event; being late starts that anew', async () => {
    await flap(3);
    const later = createSweeper(service);
    const look = async (afterS: number) => {
      await beOnTime();
      later.passSeconds(afterS);
      await later.sweep();
      return reasons();
    };
    await service.sql.query(
      `UPDATE inventory.node_heartbeat SET changed_at = changed_at - interval '850 s' WHERE node_id = $1`,
      [node.id],
    );
    expect(await look(0)).toEqual(['node_flapping']);
    await miss(service, [node], 1);
    await sweeper.sweep();
    await beat();
    expect(await look(60)).toEqual(['node_flapping']);
    expect(await look(900)).toEqual([]);
    expect(await look(0)).toEqual([]);
    await later.close();
    expect([await reasons(), (await view()).flappingSince]).toEqual([[], null]);
    expect((await eventsOf()).filter((type) => type === 'node.flapping_ended')).toHaveLength(1);
  });

  it('is so since it began, however often it comes back, and as long as it is away', async () => {
    await flap(3);
    const { flappingSince } = await view();
    await flap(1);
    expect((await view()).flappingSince).toBe(flappingSince);
    await lapse();
    const later = createSweeper(service);
    later.passSeconds(1000);
    await later.sweep();
    await later.close();
    expect((await view()).flappingSince).toBe(flappingSince);
  });

  it('is forgiven what is more than an hour old', async () => {
    await flap(2);
    await service.sql.query(
      `UPDATE inventory.incident SET started_at = started_at - interval '61 minutes',
              ended_at = ended_at - interval '61 minutes' WHERE node_id = $1`,
      [node.id],
    );
    await flap(1);
    expect(await reasons()).toEqual([]);
  });

  it('keeps its other gates: offline while it flaps, in maintenance while it flaps', async () => {
    await flap(3);
    await lapse();
    expect(await reasons()).toEqual(['node_offline', 'node_flapping']);
    await beat(node, 'maintenance');
    expect(await reasons()).toEqual(['node_maintenance', 'node_flapping']);
    await beat();
    expect(await reasons()).toEqual(['node_flapping']);
  });
});
