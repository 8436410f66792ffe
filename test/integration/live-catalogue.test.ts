import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { pino } from 'pino';
import type { RequestContext } from '../../src/kernel/context.ts';
import { Database } from '../../src/kernel/db/database.ts';
import { createPool } from '../../src/kernel/db/pool.ts';
import { createCursorCodec } from '../../src/kernel/http/cursor.ts';
import { Adoption } from '../../src/modules/catalogue/adoption.ts';
import { ensureBuiltInModels } from '../../src/modules/catalogue/built-in-models.ts';
import { LiveCatalogue } from '../../src/modules/catalogue/live-catalogue.ts';
import { GpuModelService } from '../../src/modules/catalogue/service.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { addGpus } from '../support/gpu-rows.ts';
import { until } from '../support/until.ts';

const operator: RequestContext = {
  principal: { keyId: 'test', role: 'operator', providerId: null, nodeId: null, tenantId: null, scopes: [] },
  requestId: 'test',
  idempotency: null,
  log: pino({ level: 'silent' }),
};

const known = { name: 'NVIDIA GeForce RTX 4090', memoryTotalMb: 24_564 };
const itsModel = 'nvidia-rtx-4090-24gb';

let database: TestDatabase;
let owner: pg.Pool;
let db: Database;
let catalogue: LiveCatalogue;
beforeAll(async () => {
  database = await createDatabase();
  owner = new pg.Pool({ connectionString: database.ownerUrl, max: 2 });
  const log = pino({ level: 'silent' });
  db = new Database({ pool: createPool({ url: database.url, max: 4, name: 'adoption', log }), log });
  catalogue = new LiveCatalogue(db);
  await ensureBuiltInModels(db);
  await catalogue.refresh();
});
afterAll(async () => {
  await db.close();
  await owner.end();
  await database.drop();
});

describe('a model that this process has just stored', () => {
  it('is resolved to before the answer goes out', async () => {
    const models = new GpuModelService({ db, cursors: createCursorCodec(randomBytes(32)) }, catalogue);
    const gpu = { vendor: 'other' as const, name: 'acme fresh', pciDeviceId: null, memoryTotalMb: null };
    const { id } = await models.create(operator, {
      vendor: 'other',
      name: 'Acme Fresh',
      specs: { memoryTotalMb: 4096 },
    });
    expect(catalogue.resolve(gpu)).toBe(id);
    await models.patch(operator, id, null, { aliases: ['Fresher'] });
    expect(catalogue.resolve({ ...gpu, name: 'fresher' })).toBe(id);
  });
});

describe('adoption', () => {
  it('finds what a replica with an older catalogue has stored, a minute later', async () => {
    const { adoption, clock } = setup();
    await adoption.run();
    const { gpuIds } = await addGpus(owner, [known]);
    clock.ms += 59_999;
    await adoption.run();
    expect(await modelsOf(gpuIds)).toEqual(['uncatalogued']);
    clock.ms += 1;
    await adoption.run();
    expect(await modelsOf(gpuIds)).toEqual([itsModel]);
  });

  it('finds all of more than a page, and leaves those alone that have a model', async () => {
    const { gpuIds } = await addGpus(owner, [
      { ...known, modelId: 'nvidia-l4-24gb' },
      ...Array.from({ length: 501 }, () => known),
    ]);
    await setup().adoption.run();
    expect(await modelsOf(gpuIds)).toEqual(['nvidia-l4-24gb', ...Array(501).fill(itsModel)]);
  });

  it('of two replicas at once makes one version and one event for each GPU', async () => {
    const { gpuIds } = await addGpus(owner, Array(20).fill(known));
    const blocker = await owner.connect();
    await blocker.query('BEGIN');
    await blocker.query('SELECT FROM inventory.gpu_state WHERE gpu_id = ANY($1) FOR UPDATE', [gpuIds]);
    const runs = Promise.all([setup().adoption.run(), setup().adoption.run()]);
    await until('both wait', async () => (await waiting()) === 2);
    await blocker.query('COMMIT');
    blocker.release();
    await runs;
    const { rows } = await owner.query(
      `SELECT count(*)::int AS events, sum(s.version)::int AS versions FROM inventory.gpu_state s
         JOIN inventory.change c ON c.subject_id = s.gpu_id::text AND c.subject_type = 'gpu' AND c.version = s.version
        WHERE s.gpu_id = ANY($1)`,
      [gpuIds],
    );
    expect(rows).toEqual([{ events: 20, versions: 40 }]);
  });
});

async function modelsOf(gpuIds: string[]): Promise<string[]> {
  const { rows } = await owner.query(
    'SELECT model_id FROM inventory.gpu_state WHERE gpu_id = ANY($1) ORDER BY array_position($1, gpu_id)',
    [gpuIds],
  );
  return rows.map(({ model_id }) => model_id);
}

/** How many of the service's connections wait for a lock. */
async function waiting(): Promise<number> {
  const { rows } = await owner.query(
    `SELECT count(*)::int AS waiting FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows[0].waiting;
}

function setup() {
  const clock = { ms: 1_000_000, now: () => clock.ms };
  return { adoption: new Adoption({ db, catalogue, clock }), clock };
}
