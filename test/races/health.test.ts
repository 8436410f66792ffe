import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { healthOf } from '../../src/modules/health/domain.ts';
import { versionFaults } from '../support/changes.ts';
import { createNode } from '../support/fleet.ts';
import { createGpus, getGpu, gpuInputs } from '../support/gpu-inputs.ts';
import { type Client, startService, type TestService } from '../support/service.ts';

let service: TestService;
let operator: Client;
beforeAll(async () => {
  service = await startService();
  operator = service.as();
});
afterAll(() => service.stop());

const outcomes = ['ok', 'warning', 'failed'];

describe('health checks at once', () => {
  it('of one GPU leave the health that its latest observations say, and an unbroken chain of events', async () => {
    const node = await createNode(service);
    const [gpu] = await createGpus(service, node, gpuInputs(1));
    const gpuId = gpu?.id ?? '';
    await all(
      Array.from({ length: 36 }, (_, i) => ({
        gpuId,
        check: ['xid', 'ecc', 'thermal'][i % 3],
        outcome: outcomes[(i * 7) % 3],
        underLoad: i % 2 === 0,
      })),
    );
    expect(await latestOutcomes(gpuId)).toEqual(await states(gpuId));
    const events = await transitions(gpuId);
    events.forEach(({ before }, i) => {
      expect(before).toBe(i === 0 ? 'unknown' : events[i - 1]?.after);
    });
    const { health, unschedulableReasons } = await getGpu(service, gpuId);
    expect(health).toBe(events.at(-1)?.after);
    expect(health).toBe(healthOf(await moments(gpuId)));
    expect(unschedulableReasons.includes('gpu_failed')).toBe(health === 'failed');
    expect(await versionFaults(service.sql)).toEqual([]);
  });

  it('of a node and its GPUs neither block each other for ever nor lose a gate', async () => {
    const node = await createNode(service);
    const gpus = await createGpus(service, node, gpuInputs(4));
    const about = gpus.map(({ id }) => ({ gpuId: id }));
    await all(
      Array.from({ length: 40 }, (_, i) => ({
        ...(i % 5 === 0 ? { nodeId: node.id } : about[i % 4]),
        check: 'driver',
        outcome: 'failed',
      })),
    );
    for (const { id } of gpus) {
      expect((await getGpu(service, id)).unschedulableReasons).toEqual(
        expect.arrayContaining(['gpu_failed', 'node_failed']),
      );
      expect(await transitions(id)).toHaveLength(1);
    }
    expect(await transitions(node.id)).toHaveLength(1);
    expect(await versionFaults(service.sql)).toEqual([]);
  });
});

async function all(checks: readonly object[]): Promise<void> {
  const answers = await Promise.all(checks.map((check) => operator.post('/v1/health-checks').send(check)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
}

const states = async (gpuId: string) =>
  (
    await service.sql.query(
      'SELECT "check", outcome FROM inventory.check_state WHERE subject_id = $1 ORDER BY "check"',
      [gpuId],
    )
  ).rows;

const micros = (column: string) => `(extract(epoch FROM ${column}) * 1000000)::float8`;

const moments = async (gpuId: string) =>
  (
    await service.sql.query(
      `SELECT outcome, ${micros('failed_at')} AS "failedAt", ${micros('ok_at')} AS "okAt",
              ${micros('loaded_ok_at')} AS "loadedOkAt" FROM inventory.check_state WHERE subject_id = $1`,
      [gpuId],
    )
  ).rows;

const latestOutcomes = async (gpuId: string) =>
  (
    await service.sql.query(
      `SELECT DISTINCT ON ("check") "check", outcome FROM inventory.health_check
        WHERE gpu_id = $1 ORDER BY "check", observed_at DESC`,
      [gpuId],
    )
  ).rows;

async function transitions(subjectId: string): Promise<{ before: string; after: string }[]> {
  const { rows } = await service.sql.query(
    `SELECT diff -> 'before' ->> 'health' AS before, diff -> 'after' ->> 'health' AS after
       FROM inventory.change WHERE subject_id = $1 AND type LIKE '%.health_changed' ORDER BY version`,
    [subjectId],
  );
  return rows;
}
