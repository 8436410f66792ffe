import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { builtinModels } from '../../src/modules/catalogue/models/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type TestService } from '../support/service.ts';

let database: TestDatabase;
let replicas: TestService[];
beforeAll(async () => {
  database = await createDatabase();
  replicas = await Promise.all([startService({}, database), startService({}, database)]);
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await database.drop();
});

/** The statuses of as many requests at once, spread over both replicas. */
const statuses = async (times: number, send: (service: TestService) => PromiseLike<{ status: number }>) => {
  const answers = await Promise.all(
    Array.from({ length: times }, (_, i) => send(replicas[i % replicas.length] as TestService)),
  );
  return answers.map(({ status }) => status).toSorted();
};

describe('the catalogue', () => {
  it('has every built-in model once where two replicas start at once', async () => {
    const { rows } = await (replicas[0] as TestService).sql.query(
      `SELECT count(*)::int AS created FROM inventory.change WHERE type = 'gpu_model.created'`,
    );
    expect(rows).toEqual([{ created: builtinModels().length }]);
  });

  it('takes a model once of eight that are added at once', async () => {
    const model = { vendor: 'other', name: 'Raced', specs: { memoryTotalMb: 8192 } };
    expect(await statuses(8, (service) => service.as().post('/v1/gpu-models').send(model))).toEqual([
      201,
      ...Array(7).fill(409),
    ]);
  });

  it('takes one of eight changes of the same version', async () => {
    const change = (service: TestService) =>
      service
        .as()
        .patch('/v1/gpu-models/nvidia-l40s-48gb')
        .set('if-match', '"1"')
        .send({ aliases: [service.url, String(Math.random())] });
    expect(await statuses(8, change)).toEqual([200, ...Array(7).fill(412)]);
  });
});
