import type { Cache } from '../../kernel/cache/cache.ts';
import { listQuerySchema } from '../../kernel/db/list.ts';
import { changeProblems, operation, readProblems, writeProblems } from '../../kernel/http/operation.ts';
import { PageOf, ref } from '../../kernel/http/schemas.ts';
import type { App } from '../../module.ts';
import { sendCached } from '../../plugins/cached.ts';
import { created, page } from '../../plugins/reply.ts';
import { gpuModels } from './collections.ts';
import { CreateGpuModel, GpuModel, GpuModelParams, PatchGpuModel } from './schemas.ts';
import type { GpuModelService } from './service.ts';

export function registerRoutes(app: App, service: GpuModelService, cache: Cache): void {
  for (const schema of [GpuModel, CreateGpuModel, PatchGpuModel]) app.addSchema(schema);

  app.post(
    '/v1/gpu-models',
    {
      config: { permission: 'gpu-models:write' },
      schema: {
        ...operation(
          'createGpuModel',
          'gpu-models',
          'Add a GPU model to the catalogue',
          'GPUs that were `uncatalogued` and are of this model get it within seconds.',
        ),
        body: ref(CreateGpuModel),
        response: { 201: ref(GpuModel), ...writeProblems() },
      },
    },
    async (request, reply) => {
      const model = await service.create(request.ctx, request.body);
      return created(reply, `/v1/gpu-models/${model.id}`, model);
    },
  );

  app.get(
    '/v1/gpu-models',
    {
      config: { permission: 'gpu-models:read' },
      schema: {
        ...operation('listGpuModels', 'gpu-models', 'Search the catalogue of GPU models'),
        querystring: listQuerySchema(gpuModels),
        response: { 200: PageOf(GpuModel), ...readProblems() },
      },
    },
    async (request, reply) => page(request, reply, await service.list(request.query)),
  );

  app.get(
    '/v1/gpu-models/:id',
    {
      config: { permission: 'gpu-models:read' },
      schema: {
        ...operation('getGpuModel', 'gpu-models', 'Get a GPU model'),
        params: GpuModelParams,
        response: { 200: ref(GpuModel), ...readProblems(404) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const name = { domain: 'identity', key: `gpu-model:${id}`, tags: ['gpu-models'] } as const;
      return sendCached(cache, name, request, reply, () => service.get(id));
    },
  );

  app.patch(
    '/v1/gpu-models/:id',
    {
      config: { permission: 'gpu-models:write' },
      schema: {
        ...operation(
          'updateGpuModel',
          'gpu-models',
          'Change a GPU model',
          'Inside `specs` and `capabilities`, null makes a figure unknown; id and vendor never change.',
        ),
        params: GpuModelParams,
        body: ref(PatchGpuModel),
        response: { 200: ref(GpuModel), ...changeProblems() },
      },
    },
    async (request) => service.patch(request.ctx, request.params.id, request.ifMatch, request.body),
  );
}
