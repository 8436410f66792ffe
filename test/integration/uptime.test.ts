import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createKey, createNode, createProvider, type TestNode, type TestProvider } from '../support/fleet.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let provider: TestProvider;
let node: TestNode;
beforeAll(async () => {
  service = await startService({ SWEEP_INTERVAL_MS: '3600000' });
});
afterAll(() => service.stop());
/** A node that was first heard when March of 2026 began in Berlin. */
beforeEach(async () => {
  provider = await createProvider(service);
  node = await createNode(service, provider.id);
  await first('2026-02-28T23:00:00Z');
});

const first = (at: string | null, of = node) =>
  service.sql.query('UPDATE inventory.node SET first_heard_at = $2 WHERE id = $1', [of.id, at]);
const silent = (kind: string, from: string, until: string | null, of = node) =>
  service.sql.query(
    `INSERT INTO inventory.incident (id, node_id, provider_id, kind, started_at, ended_at)
     VALUES (gen_random_uuid(), $1, $2, $3, $4, $5)`,
    [of.id, of.providerId, kind, from, until],
  );
/** A window as it lies in the record, straight into the tables: the API announces nothing in the past. */
const maintained = (kind: string, from: string, until: string) =>
  service.sql.query(
    `WITH made AS (
       INSERT INTO inventory.maintenance_window (id, provider_id, node_id, kind, starts_at, ends_at, open)
       VALUES (gen_random_uuid(), $2, $1, $3, $4, $5, false) RETURNING id
     )
     INSERT INTO inventory.node_maintenance (node_id, window_id, kind, from_at, until_at, open)
     SELECT $1, id, $3, $4, $5, false FROM made`,
    [node.id, provider.id, kind, from, until],
  );
const ask = (query: Record<string, string>, key?: string) =>
  service.as(key).get(`/v1/providers/${provider.id}/uptime`).query(query);
const weekend = {
  from: '2026-03-27T23:00:00Z',
  to: '2026-03-30T22:00:00Z',
  tz: 'Europe/Berlin',
};
const hours = 3600;

describe('GET /v1/providers/{id}/uptime', () => {
  it('200: by day of a time zone, one of which has 23 hours, and in total', async () => {
    await silent('offline', '2026-03-28T22:00:00Z', '2026-03-29T04:00:00Z');
    const { body } = await ask(weekend).expect(200);
    expect(body).toMatchObject({
      providerId: provider.id,
      from: '2026-03-27T23:00:00.000Z',
      to: '2026-03-30T22:00:00.000Z',
      tz: 'Europe/Berlin',
      nodes: 1,
      incidents: 1,
      emergencyWindows: 0,
      total: { upS: 65 * hours, downS: 6 * hours, plannedMaintenanceS: 0, unknownS: 0, uptime: 65 / 71 },
    });
    expect(
      body.days.map(({ date, upS, downS }: Record<string, number>) => [
        date,
        (upS ?? 0) / hours,
        (downS ?? 0) / hours,
      ]),
    ).toEqual([
      ['2026-03-28', 23, 1],
      ['2026-03-29', 18, 5],
      ['2026-03-30', 24, 0],
    ]);
  });

  it('200: maintenance and what nobody knows stand apart, neither up nor down', async () => {
    await silent('offline', '2026-03-28T08:00:00Z', '2026-03-28T14:00:00Z');
    await silent('unknown', '2026-03-29T08:00:00Z', '2026-03-29T10:00:00Z');
    await maintained('planned', '2026-03-28T09:00:00Z', '2026-03-28T11:00:00Z');
    await maintained('emergency', '2026-03-28T10:00:00Z', '2026-03-28T13:00:00Z');
    const { body } = await ask(weekend).expect(200);
    expect(body.emergencyWindows).toBe(1);
    expect(body.days.map((day: Record<string, number>) => day.emergencyWindows)).toEqual([1, 0, 0]);
    expect(body.total).toEqual({
      upS: (71 - 8) * hours,
      downS: 2 * hours,
      plannedMaintenanceS: 2 * hours,
      emergencyMaintenanceS: 2 * hours,
      unknownS: 2 * hours,
      uptime: 63 / 65,
    });
  });

  it('200: a node counts from its first heartbeat to its deletion, and one never heard not at all', async () => {
    await first('2026-03-29T22:00:00Z');
    await first(null, await createNode(service, provider.id));
    const { body } = await ask(weekend).expect(200);
    expect([body.nodes, body.total.upS]).toEqual([1, 24 * hours]);
    await service.sql.query(`UPDATE inventory.node SET deleted_at = '2026-03-30T10:00:00Z' WHERE id = $1`, [
      node.id,
    ]);
    expect((await ask(weekend).expect(200)).body.total.upS).toBe(12 * hours);
    const before = await ask({ from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' }).expect(200);
    expect(before.body).toMatchObject({ nodes: 0, total: { upS: 0, uptime: null } });
  });

  it('200: what lasts counts until now, and the future not at all', async () => {
    const { rows } = await service.sql.query(`SELECT now() - interval '2 hours' AS at, now() AS now`);
    await first(rows[0].at.toISOString());
    await silent('offline', new Date(rows[0].now.getTime() - 3_600_000).toISOString(), null);
    const { body } = await ask({
      from: rows[0].at.toISOString(),
      to: new Date(rows[0].now.getTime() + 86_400_000).toISOString(),
    }).expect(200);
    expect(body.total.upS).toBe(hours);
    expect(body.total.downS).toBeGreaterThanOrEqual(hours);
    expect(body.total.downS).toBeLessThan(hours + 60);
  });

  it('200: of the last 30 days in UTC where nothing is named', async () => {
    const { body } = await ask({}).expect(200);
    expect([body.tz, Date.parse(body.to) - Date.parse(body.from)]).toEqual(['UTC', 30 * 86_400_000]);
  });

  it('200: of any range; of a long one the days from the first heartbeat on', async () => {
    await silent('offline', '2026-03-28T22:00:00Z', '2026-03-29T04:00:00Z');
    const { body } = await ask({ ...weekend, from: '0001-01-01T00:00:00Z' }).expect(200);
    expect(body).toMatchObject({ from: '0001-01-01T00:00:00.000Z', nodes: 1, incidents: 1 });
    expect(body.days.map(({ date }: { date: string }) => date)).toEqual(
      Array.from({ length: 30 }, (_, day) => `2026-03-${String(day + 1).padStart(2, '0')}`),
    );
    expect(body.total).toMatchObject({ upS: (30 * 24 - 1 - 6) * hours, downS: 6 * hours });
    await first(null);
    const { body: none } = await ask({ ...weekend, from: '1970-01-01T00:00:00Z' }).expect(200);
    expect(none).toMatchObject({ nodes: 0, days: [], total: { upS: 0, uptime: null } });
  });

  it('200: as CSV, a line a day, by parameter or by Accept', async () => {
    await silent('offline', '2026-03-28T22:00:00Z', '2026-03-29T04:00:00Z');
    const byName = await ask({ ...weekend, format: 'csv' }).expect(200);
    expect(byName.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(byName.text.split('\r\n').slice(0, 2)).toEqual([
      'date,from,to,upS,downS,plannedMaintenanceS,emergencyMaintenanceS,unknownS,uptime,emergencyWindows',
      `2026-03-28,2026-03-27T23:00:00.000Z,2026-03-28T23:00:00.000Z,82800,3600,0,0,0,${23 / 24},0`,
    ]);
    expect(byName.text.split('\r\n')).toHaveLength(5);
    const byAccept = await ask(weekend).set('accept', 'text/csv').expect(200);
    expect(byAccept.text).toBe(byName.text);
    await ask({ ...weekend, format: 'json' }).expect('content-type', /application\/json/);
    await ask(weekend).set('accept', 'image/png').expect(406);
  });

  it('200: to everybody who may see the provider', async () => {
    for (const owner of [{ role: 'viewer' }, { role: 'agent', nodeId: node.id }])
      await ask(weekend, await createKey(service, owner)).expect(200);
    await ask(weekend, provider.key).expect(200);
  });

  it('404: of no provider, or of somebody else’s', async () => {
    await ask(weekend, (await createProvider(service)).key).expect(404);
    await service.as().delete(`/v1/providers/${provider.id}`).set('if-match', '*').expect(204);
    expect((await ask(weekend).expect(404)).body.code).toBe('provider.not_found');
  });

  it.each([
    ['tz', { tz: 'Mars/Olympus' }],
    ['tz', { tz: '+02:00' }],
    ['from', { from: '2026-03-30T22:00:00Z' }],
    ['to', { to: '2026-02-30T00:00:00Z' }],
    ['format', { format: 'xml' }],
    ['until', { until: '2026-03-30T00:00:00Z' }],
  ])('400: naming %s for %j', async (pointer, change) => {
    const { body } = await ask({ ...weekend, ...change }).expect(400);
    expect(body.errors[0].pointer).toBe(pointer);
  });
});

it('the first heartbeat is when a node begins to count', async () => {
  const fresh = await createNode(service, provider.id);
  const { body } = await service
    .as(fresh.key)
    .post('/v1/heartbeats')
    .send({ nodeId: fresh.id, sequence: 1, status: 'healthy' })
    .expect(202);
  const { rows } = await service.sql.query('SELECT first_heard_at FROM inventory.node WHERE id = $1', [
    fresh.id,
  ]);
  expect(rows[0].first_heard_at.toISOString()).toBe(body.serverTime);
});
