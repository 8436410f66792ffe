import { operation, readProblems, writeProblems } from '../../../kernel/http/operation.ts';
import { IdParams } from '../../../kernel/http/params.ts';
import { ref } from '../../../kernel/http/schemas.ts';
import type { App } from '../../../module.ts';
import { GpuCleaning, ReportCleaning } from './schemas.ts';
import type { CleaningService } from './service.ts';

export function registerCleaningRoutes(app: App, cleaning: CleaningService): void {
  for (const schema of [GpuCleaning, ReportCleaning]) app.addSchema(schema);

  app.get(
    '/v1/gpus/:id/cleaning',
    {
      config: { permission: 'gpu-cleaning:read' },
      schema: {
        ...operation('getGpuCleaning', 'gpus', 'See what is to be cleaned on a GPU'),
        params: IdParams,
        response: { 200: ref(GpuCleaning), ...readProblems(404) },
      },
    },
    async (request) => cleaning.get(request.ctx, request.params.id),
  );

  app.post(
    '/v1/gpus/:id/cleaning',
    {
      config: { permission: 'gpu-cleaning:write' },
      schema: {
        ...operation(
          'reportGpuCleaning',
          'gpus',
          'Report that a GPU is clean',
          'By the agent of its node, for the allocation whose leftovers it has removed: once nothing is left the GPU can be ' +
            'claimed again. An operator may vouch for it without, and says why.',
        ),
        params: IdParams,
        body: ref(ReportCleaning),
        response: { 200: ref(GpuCleaning), ...writeProblems(404) },
      },
    },
    async (request) => cleaning.report(request.ctx, request.params.id, request.body),
  );
}
