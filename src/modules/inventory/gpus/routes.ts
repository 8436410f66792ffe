import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { listQuerySchema } from '../../../kernel/db/list.ts';
import { changeProblems, operation, readProblems, writeProblems } from '../../../kernel/http/operation.ts';
import { IdParams } from '../../../kernel/http/params.ts';
import { batchBodyLimit, PageOf, ref } from '../../../kernel/http/schemas.ts';
import type { App } from '../../../module.ts';
import { bodyIs, itemFaults, parsesQuery } from '../../../plugins/item-faults.ts';
import { created, noContent, printedPage } from '../../../plugins/reply.ts';
import type { GpuBatchService } from './batch.ts';
import type { PrintGpu } from './printed.ts';
import {
  ClearQuarantine,
  CreateGpu,
  Gpu,
  GpuBatch,
  GpuBatchEnvelope,
  GpuBatchOutcomes,
  GpuBatchReply,
  gpuBatchItems,
  PatchGpu,
} from './schemas.ts';
import type { GpuService } from './service.ts';

interface Services {
  gpus: GpuService;
  batches: GpuBatchService;
}

const Include = Type.Object({
  include: Type.Optional(
    Type.String({ maxLength: 100, description: '`layers`: what each source says of every property.' }),
  ),
});

const Atomic = Type.Object({
  atomic: Type.Boolean({
    default: true,
    description: 'false: as many items as can be, with an outcome for each (207).',
  }),
});

const printedGpu: Record<string, unknown> = { ...ref(Gpu) };

/** `Gpu` and `GpuInput` are made known by the module, since providers and nodes show them as well. */
export function registerGpuRoutes(app: App, { gpus, batches }: Services): void {
  for (const schema of [CreateGpu, PatchGpu, ClearQuarantine, GpuBatch, GpuBatchReply, GpuBatchOutcomes])
    app.addSchema(schema);
  registerBatchRoute(app, batches);

  app.post(
    '/v1/gpus',
    {
      config: { permission: 'gpus:write' },
      schema: {
        ...operation('createGpu', 'gpus', 'Register a GPU', 'What it says of the GPU is the declared layer.'),
        body: ref(CreateGpu),
        response: { 201: ref(Gpu), ...writeProblems(404) },
      },
    },
    async (request, reply) => {
      const gpu = await gpus.create(request.ctx, request.body);
      return created(reply, `/v1/gpus/${gpu.id}`, gpu);
    },
  );

  app.get(
    '/v1/gpus',
    {
      config: { permission: 'gpus:read' },
      schema: {
        ...operation(
          'listGpus',
          'gpus',
          'Search GPUs',
          'Every filter combines with every other. Missing GPUs are in the list, retired ones only when `lifecycle` asks ' +
            'for them. Sorted by price, a GPU whose price changes during a walk may move.',
        ),
        querystring: listQuerySchema(gpus.collection),
        response: { 200: PageOf(Gpu), ...readProblems() },
      },
    },
    async (request, reply) => {
      const print: PrintGpu = (gpu) => String(reply.serializeInput(gpu, printedGpu));
      return printedPage(request, reply, await gpus.list(request.ctx, request.query, print));
    },
  );

  app.get(
    '/v1/gpus/:id',
    {
      config: { permission: 'gpus:read' },
      schema: {
        ...operation('getGpu', 'gpus', 'Get a GPU'),
        params: IdParams,
        querystring: Include,
        response: { 200: ref(Gpu), ...readProblems(404) },
      },
    },
    async ({ ctx, params, query }) => gpus.get(ctx, params.id, query.include),
  );

  app.patch(
    '/v1/gpus/:id',
    {
      config: { permission: 'gpus:write' },
      schema: {
        ...operation(
          'updateGpu',
          'gpus',
          'Update a GPU',
          'RFC 7396. Specs and capabilities change the declared layer: what an agent observes or a verdict attests stays ' +
            'in force.',
        ),
        params: IdParams,
        body: ref(PatchGpu),
        response: { 200: ref(Gpu), ...changeProblems() },
      },
    },
    async (request) => gpus.patch(request.ctx, request.params.id, request.ifMatch, request.body),
  );

  app.post(
    '/v1/gpus/:id/clear-quarantine',
    {
      config: { permission: 'gpus:clear-quarantine' },
      schema: {
        ...operation(
          'clearGpuQuarantine',
          'gpus',
          'Let a GPU out of quarantine',
          'Whatever else speaks against it stands. Clearing again changes nothing.',
        ),
        params: IdParams,
        body: ref(ClearQuarantine),
        response: { 200: ref(Gpu), ...writeProblems(404) },
      },
    },
    async (request) => gpus.clearQuarantine(request.ctx, request.params.id, request.body.reason),
  );

  app.delete(
    '/v1/gpus/:id',
    {
      config: { permission: 'gpus:write' },
      schema: {
        ...operation(
          'deleteGpu',
          'gpus',
          'Delete a GPU',
          'With its partitions. History stays; the same hardware comes back under a new id.',
        ),
        params: IdParams,
        response: { 204: Type.Null({ description: 'Deleted.' }), ...changeProblems() },
      },
    },
    async (request, reply) => {
      await gpus.delete(request.ctx, request.params.id, request.ifMatch);
      return noContent(reply);
    },
  );
}

function registerBatchRoute(app: App, batches: GpuBatchService): void {
  app.post(
    '/v1/gpus/batch',
    {
      config: { permission: 'gpus:write' },
      bodyLimit: batchBodyLimit,
      // An item that is invalid is an outcome of its own where each has one.
      attachValidation: true,
      schema: {
        ...operation(
          'batchGpus',
          'gpus',
          'Register or update many GPUs',
          'All or nothing by default, a fault names the item; `atomic=false` gives an outcome for each.',
        ),
        querystring: Atomic,
        body: ref(GpuBatch),
        response: {
          200: ref(GpuBatchReply),
          201: ref(GpuBatchReply),
          207: ref(GpuBatchOutcomes),
          ...writeProblems(404, 412),
        },
      },
    },
    async (request, reply) => {
      const { ctx, query, body, validationError } = request;
      if (validationError && (!parsesQuery(request) || query.atomic || !bodyIs(request, GpuBatchEnvelope)))
        throw validationError;
      if (query.atomic) return reply.code(body.patches ? 200 : 201).send(await batches.apply(ctx, body));
      const faults = validationError ? faultsOf(request, body) : new Map();
      return reply.code(207).send(await batches.applyEach(ctx, body, faults));
    },
  );
}

const faultsOf = (request: FastifyRequest, { gpus, patches }: Static<typeof GpuBatch>) =>
  patches
    ? itemFaults(request, 'patches', patches, gpuBatchItems.patches)
    : itemFaults(request, 'gpus', gpus ?? [], gpuBatchItems.gpus);
