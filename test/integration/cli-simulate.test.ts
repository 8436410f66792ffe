import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { runCommand, runJson } from '../support/command-line.ts';
import { operatorKey, startService, type TestService } from '../support/service.ts';

/** Silence of three seconds is offline, so that an outage of four is seen. */
const pace = { HEARTBEAT_MIN_INTERVAL_S: '1', HEARTBEAT_GRACE_S: '1' };

let service: TestService;
beforeAll(async () => {
  service = await startService({ ...pace, FAILOVER_GRACE_S: '0', SWEEP_INTERVAL_MS: '100' });
});
afterAll(() => service.stop());

interface Simulated {
  ok: boolean;
  accepted: number;
  failed: object;
  expected: { least: number; most: number };
  seen: number;
  hotShare: number;
  tidy: boolean;
  course: {
    atS: number;
    perSecond: number;
    tables: { name: string; rows: number; hotShare: number | null }[];
  }[];
}

const simulate = (env: Record<string, string>, ...more: string[]) =>
  runJson<Simulated>(
    ['simulate', '--nodes', '20', '--gpus-per-node', '2', '--minutes', '0.3', '--kill', '0.1', ...more],
    {
      ...env,
      PORT: new URL(service.url).port,
      OPERATOR_API_KEY: operatorKey,
      DATABASE_URL: service.database.ownerUrl,
    },
  );

it('drives a fleet, kills some of it, and ends with 0 where the service saw just that', async () => {
  const { code, answer } = await simulate(pace);
  expect(answer).toMatchObject({ ok: true, failed: {}, expected: { least: 2, most: 2 }, seen: 2 });
  expect(answer.accepted).toBeGreaterThan(20);
  expect(answer).toMatchObject({ hotShare: 100, tidy: true });
  expect(answer.course.at(-1)?.tables).toEqual([
    expect.objectContaining({ name: 'gpu_telemetry', rows: 40 }),
    expect.objectContaining({ name: 'node_heartbeat', rows: 20 }),
  ]);
  expect(code).toBe(0);
});

it('sends at an interval of its own: one beyond the deadline is silence, and expected to be seen as such', async () => {
  const often = await simulate(pace, '--kill', '0', '--interval', '0.2', '--minutes', '0.05');
  expect(often.answer).toMatchObject({ ok: true, failed: {}, seen: 0 });
  // 20 nodes for 3 s, five a second each; the service asks for one a second.
  expect(often.answer.accepted).toBeGreaterThan(100);
  const seldom = await simulate(pace, '--kill', '0', '--interval', '60', '--minutes', '0.15');
  expect(seldom.answer).toMatchObject({
    ok: true,
    accepted: 20,
    expected: { least: 20, most: 20 },
    seen: 20,
  });
});

it('ends with 1 where heartbeats are answered with errors, and counts them', async () => {
  await service.sql.query('REVOKE INSERT ON inventory.heartbeat FROM inv_app');
  const { code, answer } = await simulate(
    { ...pace, HEARTBEAT_GRACE_S: '3600' },
    '--minutes',
    '0.05',
    '--url',
    service.url,
  );
  await service.sql.query('GRANT INSERT ON inventory.heartbeat TO inv_app');
  expect(answer).toMatchObject({
    ok: false,
    accepted: 0,
    failed: { 500: expect.any(Number) },
    hotShare: null,
  });
  expect(code).toBe(1);
});

it('refuses a trace that it cannot follow with 2, and a share above 1 with 1', async () => {
  expect((await runCommand(['simulate', '--trace', 'README.md'])).code).toBe(2);
  expect((await runCommand(['simulate', '--kill', '1.1'])).code).toBe(1);
});
