import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addGpus } from '../support/gpu-rows.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

describe('results at once', () => {
  it('of a new metric fix one unit, which all that are kept have', async () => {
    const { gpuIds } = await addGpus(service.sql, [{}]);
    const units = Array.from({ length: 12 }, (_, i) => (i % 2 ? 'GB/s' : 'MB/s'));
    const answers = await Promise.all(
      units.map((unit, value) =>
        service
          .as()
          .post('/v1/benchmarks')
          .send({ gpuId: gpuIds[0], suite: 'race', suiteVersion: '1', metric: 'bandwidth', value, unit }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([
      ...Array(6).fill(201),
      ...Array(6).fill(400),
    ]);
    const { rows } = await service.sql.query('SELECT DISTINCT unit FROM inventory.benchmark');
    const fixed = await service.sql.query('SELECT unit FROM inventory.benchmark_metric');
    expect(rows).toEqual(fixed.rows);
    expect(rows).toHaveLength(1);
  });

  it('of one GPU leave the newest as its standing', async () => {
    const { gpuIds } = await addGpus(service.sql, [{}]);
    const result = { gpuId: gpuIds[0], suite: 'race', suiteVersion: '2', metric: 'score', unit: 'points' };
    const days = [3, 9, 1, 7, 5, 8, 2, 6, 4];
    const answers = await Promise.all(
      days.map((day) =>
        service
          .as()
          .post('/v1/benchmarks')
          .send({ ...result, value: day, measuredAt: `2026-01-0${day}T00:00:00Z` }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    const { rows } = await service.sql.query(
      'SELECT value FROM inventory.benchmark_standing WHERE gpu_id = $1',
      [gpuIds[0]],
    );
    expect(rows).toEqual([{ value: 9 }]);
  });
});
