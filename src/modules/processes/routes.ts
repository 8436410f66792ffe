import { listQuerySchema } from '../../kernel/db/list.ts';
import { operation, readProblems, writeProblems } from '../../kernel/http/operation.ts';
import { IdParams } from '../../kernel/http/params.ts';
import { batchBodyLimit, PageOf, ref } from '../../kernel/http/schemas.ts';
import type { App } from '../../module.ts';
import { page } from '../../plugins/reply.ts';
import { processes } from './collection.ts';
import { GpuProcess, GpuProcessInput, GpuProcessList, PutGpuProcesses } from './schemas.ts';
import type { ProcessService } from './service.ts';

export function registerRoutes(app: App, service: ProcessService): void {
  for (const schema of [GpuProcess, GpuProcessInput, PutGpuProcesses, GpuProcessList]) app.addSchema(schema);

  app.put(
    '/v1/gpus/:id/processes',
    {
      config: { permission: 'processes:write', rateLimit: 'ingest' },
      bodyLimit: batchBodyLimit,
      schema: {
        ...operation(
          'putGpuProcesses',
          'gpus',
          'Report all processes of a GPU',
          'The full list. A process that is absent has ended. While processes run on a GPU that is allocated to nobody ' +
            'there is a finding `unattributed_process`.',
        ),
        params: IdParams,
        body: ref(PutGpuProcesses),
        response: { 200: ref(GpuProcessList), ...writeProblems(404) },
      },
    },
    async (request) => service.put(request.ctx, request.params.id, request.body),
  );

  app.get(
    '/v1/gpus/:id/processes',
    {
      config: { permission: 'processes:read' },
      schema: {
        ...operation(
          'listGpuProcesses',
          'gpus',
          'List the processes of a GPU',
          'Those that run; with `state=ended` those that ran.',
        ),
        params: IdParams,
        querystring: listQuerySchema(processes),
        response: { 200: PageOf(GpuProcess), ...readProblems(404) },
      },
    },
    async (request, reply) =>
      page(request, reply, await service.list(request.ctx, request.params.id, request.query)),
  );
}
