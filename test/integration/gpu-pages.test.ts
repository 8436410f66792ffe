import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Sql } from 'sql-template-tag';
import type { Queryable } from '../../src/kernel/db/transaction.ts';
import { PrintedGpus } from '../../src/modules/inventory/gpus/printed.ts';
import { type KnownGpu, randomFleet } from '../support/gpu-fleet.ts';
import { gpuCursors, gpuRequest, gpuScope } from '../support/gpu-scope.ts';
import { openDatabase } from '../support/kernel.ts';
import { seeded } from '../support/seeded.ts';
import { startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

let service: TestService;
let db: ReturnType<typeof openDatabase>;
let fleet: KnownGpu[];
beforeAll(async () => {
  service = await startService();
  db = openDatabase(service.database.url);
  fleet = await randomFleet(service, 60, 11);
});
afterAll(async () => {
  await db.close();
  await service.stop();
});

const pageOf = async (query: Record<string, unknown>): Promise<KnownGpu[]> =>
  (await service.as().get('/v1/gpus').query(query).expect(200)).body.items;

/** Whatever can change of a GPU's answer, in each of the tables that it is made of. */
const changes = [
  'UPDATE inventory.gpu_state SET price_per_hour_nano_usd = 1 + $2 WHERE gpu_id = $1',
  "UPDATE inventory.gpu_state SET health = CASE health WHEN 'ok' THEN 'warning' ELSE 'ok' END, version = version + sign($2 + 1)::int WHERE gpu_id = $1",
  'UPDATE inventory.gpu_state SET blocks = blocks # 128, power_limit_w = $2 WHERE gpu_id = $1',
  `UPDATE inventory.gpu_state SET level2_until = now() + make_interval(days => $2::int - 500) WHERE gpu_id = $1`,
  `UPDATE inventory.gpu_state SET maintenance_from = now() - interval '1 day', maintenance_until = now() + make_interval(days => $2::int - 500)
    WHERE gpu_id = $1 AND $2 > 500`,
  `UPDATE inventory.gpu SET labels = jsonb_build_object('n', $2::text) WHERE id = $1`,
  `INSERT INTO inventory.gpu_telemetry (gpu_id, at, temperature_c) VALUES ($1, now(), $2::int % 90)
     ON CONFLICT (gpu_id) DO UPDATE SET at = excluded.at, temperature_c = excluded.temperature_c`,
  'DELETE FROM inventory.gpu_telemetry WHERE gpu_id = $1 AND $2 > 0',
];

describe('a page of GPUs that were printed before', () => {
  it('says what reading them anew says, whatever changed in between', async () => {
    const everything = Object.keys((await pageOf({ limit: 1 }))[0] ?? {}).join();
    const random = seeded(5);
    const any = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    for (let round = 0; round < 150; round++) {
      await service.sql.query(any(changes), [any(fleet).id, Math.floor(random() * 1000)]);
      const query = {
        limit: any([7, 60]),
        sort: any(['id', '-id', 'pricePerHourNanoUsd']),
        lifecycle: 'active',
      };
      expect([round, await pageOf(query)]).toEqual([round, await pageOf({ ...query, fields: everything })]);
    }
  });

  it('follows the time, without any change', async () => {
    const [{ id } = { id: '' }] = fleet;
    await service.sql.query(
      `UPDATE inventory.gpu_state SET blocks = 0, used_units = 1000, active_units = 0, lifecycle = 'active',
              held_until = now() + interval '1 second' WHERE gpu_id = $1`,
      [id],
    );
    const stateNow = async () => (await pageOf({ limit: 60 })).find((gpu) => gpu.id === id)?.allocationState;
    expect(await stateNow()).toBe('held');
    await until('the hold is over', async () => (await stateNow()) === 'free');
  });
});

describe('PrintedGpus', () => {
  it('looks again where a GPU changes between its two looks', async () => {
    const request = gpuRequest({ limit: '3', sort: 'id', lifecycle: 'active' });
    const change = () => service.sql.query('UPDATE inventory.gpu_state SET version = version + 1');
    const looks: string[] = [];
    let meanwhile: () => Promise<unknown> = async () => null;
    const watched: Queryable = {
      execute: (query) => db.execute(query),
      async rows<Row>(query: Sql) {
        looks.push(/inventory:(\w+)/.exec(query.text)?.[1] ?? '');
        const rows = await db.rows<Row>(query);
        await meanwhile();
        return rows;
      },
    };
    const printed = new PrintedGpus({ db: watched, cursors: gpuCursors });
    const page = async () => {
      looks.length = 0;
      const { items } = await printed.page(request, gpuScope, JSON.stringify);
      return { versions: items.map((text) => JSON.parse(text).version), looks: looks.join() };
    };
    const { versions } = await page();
    for (let more = 0; more < 8; more++) await page();
    expect(await page()).toEqual({ versions, looks: 'search_gpus' });
    await change();
    const next = versions.map((version) => version + 1);
    expect(await page()).toEqual({ versions: next, looks: 'search_gpus,print_gpus' });
    await change();
    meanwhile = async () => looks.length === 1 && change();
    expect(await page()).toEqual({
      versions: versions.map((version) => version + 3),
      looks: 'search_gpus,print_gpus,search_gpus',
    });
  });
});
