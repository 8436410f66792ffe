import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { builtinModels } from '../../src/modules/catalogue/models/index.ts';
import { addGpus } from '../support/gpu-rows.ts';
import { type Client, startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

let service: TestService;
let operator: Client;
beforeAll(async () => {
  service = await startService();
  operator = service.as();
});
afterAll(() => service.stop());

const accelerator = {
  vendor: 'other',
  name: 'Acme Accelerator',
  aliases: ['AA-1'],
  specs: { memoryTotalMb: 65_536, architecture: 'Anvil', tensorCores: 0 },
  capabilities: { supportsBf16: true, supportsCuda: null },
};

describe('the catalogue', () => {
  it('holds every built-in model from the start, each with one change', async () => {
    const { rows } = await service.sql.query(
      `SELECT count(*)::int AS models, count(c.id)::int AS changes FROM inventory.gpu_model m
         JOIN inventory.change c ON c.subject_type = 'gpu_model' AND c.subject_id = m.id AND c.version = m.version
        WHERE m.source = 'built-in'`,
    );
    expect(rows).toEqual([{ models: builtinModels().length, changes: builtinModels().length }]);
  });

  it('lists models by vendor, name, alias, PCI id, specs, capabilities and words', async () => {
    expect(await idsOf('vendor=nvidia&name=nvidia geforce rtx 4090')).toEqual(['nvidia-rtx-4090-24gb']);
    expect(await idsOf('pciId=10DE:2684')).toEqual(['nvidia-rtx-4090-24gb']);
    expect(await idsOf('q=rtx-4090-d')).toEqual(['nvidia-rtx-4090-d-24gb']);
    expect(await idsOf('q=h100-nvl&memoryTotalMb=96256')).toEqual(['nvidia-h100-nvl-94gb']);
    expect(
      await idsOf('computeCapability.gte=9.0&computeCapability.lt=10&name.in=nvidia h200,nvidia b200'),
    ).toEqual(['nvidia-h200-sxm5-141gb']);
    expect(await idsOf('supportsFp8=true&supportsCuda=false&vendor.in=nvidia')).toEqual([]);
    expect(await idsOf('architecture=ada lovelace&minMemoryMb=49152&sort=-memoryTotalMb')).toContain(
      'nvidia-l40s-48gb',
    );
    expect(await idsOf('source.ne=built-in')).toEqual([]);
  });

  it('walks by memory through models without one as well', async () => {
    const all = await service.sql.query('SELECT id FROM inventory.gpu_model');
    const walked: string[] = [];
    for (let path: string | undefined = '/v1/gpu-models?sort=-memoryTotalMb&limit=200'; path; ) {
      const { body, headers }: { body: { items: { id: string }[] }; headers: { link?: string } } =
        await operator.get(path).expect(200);
      walked.push(...body.items.map(({ id }) => id));
      path = /<(.+)>/.exec(headers.link ?? '')?.[1];
    }
    expect(walked.toSorted()).toEqual(all.rows.map(({ id }) => id).toSorted());
  });

  it('refuses an unknown filter, 400', async () => {
    const { body } = await operator.get('/v1/gpu-models?colour=red').expect(400);
    expect(body.errors[0].pointer).toBe('colour');
  });
});

describe('a model', () => {
  it('is shown with its specs, capabilities and version', async () => {
    const { body, headers } = await operator.get('/v1/gpu-models/nvidia-rtx-4090-24gb').expect(200);
    expect(headers.etag).toBe('"1"');
    expect(body).toMatchObject({
      id: 'nvidia-rtx-4090-24gb',
      pciIds: ['10de:2684'],
      specs: { memoryTotalMb: 24_576, streamingMultiprocessors: 128, computeCapability: '8.9' },
      capabilities: { supportsCuda: true, supportsMig: false },
      source: 'built-in',
    });
  });

  it('is not sent again where it is known, 304', () =>
    operator.get('/v1/gpu-models/nvidia-rtx-4090-24gb').set('if-none-match', '"1"').expect(304));

  it.each(['uncatalogued', 'nvidia-rtx-9999-1gb'])('%s is unknown, 404', async (id) => {
    const { body } = await operator.get(`/v1/gpu-models/${id}`).expect(404);
    expect(body.code).toBe('gpu_model.not_found');
  });

  it.each(['RTX-4090', 'a_b', 'a--b'])('%s is no id, 400', async (id) => {
    const { body } = await operator.get(`/v1/gpu-models/${id}`).expect(400);
    expect(body.errors[0].pointer).toBe('id');
  });

  it('is added with an id made of its facts, unknown ones null, 201', async () => {
    const { body, headers } = await operator.post('/v1/gpu-models').send(accelerator).expect(201);
    expect(headers).toMatchObject({ etag: '"1"', location: '/v1/gpu-models/other-acme-accelerator-64gb' });
    expect(body).toMatchObject({
      id: 'other-acme-accelerator-64gb',
      pciIds: [],
      specs: { memoryTotalMb: 65_536, tensorCores: 0, cudaCores: null },
      capabilities: { supportsBf16: true, supportsCuda: null, supportsMig: null },
      source: 'operator',
    });
    expect((await operator.get(`/v1/gpu-models/${body.id}`).expect(200)).body).toEqual(body);
    expect(await idsOf('alias=aa-1')).toEqual([body.id]);
    expect(await idsOf('tensorCores=0&vendor=other')).toEqual([body.id]);
  });

  it('cannot be added twice, 409', async () => {
    const model = { ...accelerator, id: 'other-twice-64gb' };
    await operator.post('/v1/gpu-models').send(model).expect(201);
    const { body } = await operator.post('/v1/gpu-models').send(model).expect(409);
    expect(body.code).toBe('gpu_model.exists');
  });

  it('gets canonical PCI ids, each once', async () => {
    const pciIds = ['10DE:FFFE', '0xFFFE10DE', 'fffd'];
    const model = { vendor: 'nvidia', name: 'Pci', pciIds, specs: { memoryTotalMb: 1024 } };
    const { body } = await operator.post('/v1/gpu-models').send(model).expect(201);
    expect(body.pciIds).toEqual(['10de:fffe', '10de:fffd']);
  });

  it.each([
    ['/id', { id: 'uncatalogued' }],
    ['/id', { id: 'nvidia-acme-64gb' }],
    ['/id', { id: 'other-acme' }],
    ['/name', { name: 'GeForce' }],
    ['/name', { name: '' }],
    ['/vendor', { vendor: 'acme' }],
    ['/pciIds/1', { pciIds: ['1234:5678', 'N/A!'] }],
    ['/specs/memoryTotalMb', { specs: {} }],
    ['/specs/memoryTotalMb', { specs: { memoryTotalMb: 0 } }],
    ['/specs/colour', { specs: { colour: 'red' } }],
    ['/capabilities/supportsCuda', { capabilities: { supportsCuda: 'yes' } }],
    ['/source', { source: 'built-in' }],
    ['/version', { version: 3 }],
  ])('is refused naming %s for %j, 400', async (pointer, fault) => {
    const { body } = await operator
      .post('/v1/gpu-models')
      .send({ ...accelerator, ...fault })
      .expect(400);
    expect(body.errors[0].pointer).toBe(pointer);
  });

  it('is changed by a merge patch, with one change row', async () => {
    const id = 'other-patched-64gb';
    await operator
      .post('/v1/gpu-models')
      .send({ ...accelerator, id })
      .expect(201);
    const { body } = await operator
      .patch(`/v1/gpu-models/${id}`)
      .set('if-match', '"1"')
      .send({ aliases: [], pciIds: ['1ED5:0201'], specs: { architecture: null, cudaCores: 5 } })
      .expect(200);
    expect(body).toMatchObject({
      name: 'Acme Accelerator',
      aliases: [],
      pciIds: ['1ed5:0201'],
      specs: { memoryTotalMb: 65_536, architecture: null, cudaCores: 5 },
      version: 2,
    });
    const { rows } = await service.sql.query(
      `SELECT type, diff FROM inventory.change WHERE subject_id = $1 AND version = 2`,
      [id],
    );
    expect(rows).toEqual([
      { type: 'gpu_model.updated', diff: expect.objectContaining({ before: expect.anything() }) },
    ]);
  });

  it('keeps its version when a patch changes nothing', async () => {
    const { body } = await operator
      .patch('/v1/gpu-models/nvidia-l40s-48gb')
      .set('if-match', '"1"')
      .send({ pciIds: ['0x26B910DE'], specs: { streamingMultiprocessors: 142 } })
      .expect(200);
    expect(body.version).toBe(1);
  });

  it('is changed only by who knows its version, 412 and 428', async () => {
    const stale = await operator
      .patch('/v1/gpu-models/nvidia-l40-48gb')
      .set('if-match', '"7"')
      .send({ aliases: ['x'] })
      .expect(412);
    expect(stale.headers.etag).toBe('"1"');
    await operator
      .patch('/v1/gpu-models/nvidia-l40-48gb')
      .send({ aliases: ['x'] })
      .expect(428);
  });

  it('cannot be changed where there is none, 404, nor in its vendor, 400', async () => {
    const patch = (id: string, body: object) =>
      operator.patch(`/v1/gpu-models/${id}`).set('if-match', '*').send(body);
    await patch('nvidia-nothing-1gb', { aliases: [] }).expect(404);
    const { body } = await patch('nvidia-l40-48gb', { vendor: 'amd' }).expect(400);
    expect(body.errors[0].pointer).toBe('/vendor');
  });

  it('is added and changed by operators alone, 403', async () => {
    const key = await operator.post('/v1/api-keys').send({ name: 'v', role: 'viewer' }).expect(201);
    const viewer = service.as(key.body.key);
    await viewer.get('/v1/gpu-models/nvidia-l40-48gb').expect(200);
    await viewer.post('/v1/gpu-models').send(accelerator).expect(403);
    await viewer
      .patch('/v1/gpu-models/nvidia-l40-48gb')
      .set('if-match', '"1"')
      .send({ aliases: [] })
      .expect(403);
  });

  it('needs a key, 401', () => service.as(null).get('/v1/gpu-models').expect(401));
});

describe('an uncatalogued GPU', () => {
  it('gets its model once the catalogue knows it, with one version and one event', async () => {
    const known = { vendor: 'other', name: 'acme  ADOPTED', memoryTotalMb: 32_000 };
    const { gpuIds, nodeId } = await addGpus(service.sql, [
      known,
      known,
      { vendor: 'other', name: 'Nobody' },
    ]);
    await operator
      .post('/v1/gpu-models')
      .send({ vendor: 'other', name: 'Acme Adopted', specs: { memoryTotalMb: 32_768 } })
      .expect(201);
    const models = async () => {
      const { rows } = await service.sql.query(
        `SELECT s.model_id, s.version::int, array_agg(c.type) AS changes FROM inventory.gpu_state s
           LEFT JOIN inventory.change c ON c.subject_type = 'gpu' AND c.subject_id = s.gpu_id::text AND c.node_id = $2
          WHERE s.gpu_id = ANY($1) GROUP BY s.gpu_id ORDER BY array_position($1, s.gpu_id)`,
        [gpuIds, nodeId],
      );
      return rows;
    };
    await until('the GPUs have their model', async () => (await models())[1].version === 2);
    const adopted = { model_id: 'other-acme-adopted-32gb', version: 2, changes: ['gpu.updated'] };
    expect(await models()).toEqual([
      adopted,
      adopted,
      { model_id: 'uncatalogued', version: 1, changes: [null] },
    ]);
  });
});

async function idsOf(query: string): Promise<string[]> {
  const { body } = await operator.get(`/v1/gpu-models?${query}`).expect(200);
  return body.items.map(({ id }: { id: string }) => id);
}
