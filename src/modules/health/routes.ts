import { listQuerySchema } from '../../kernel/db/list.ts';
import { operation, readProblems, writeProblems } from '../../kernel/http/operation.ts';
import { PageOf, ref } from '../../kernel/http/schemas.ts';
import type { App } from '../../module.ts';
import { page } from '../../plugins/reply.ts';
import { healthChecks } from './collections.ts';
import { CreateHealthCheck, HealthCheck } from './schemas.ts';
import type { HealthService } from './service.ts';

export function registerRoutes(app: App, service: HealthService): void {
  for (const schema of [HealthCheck, CreateHealthCheck]) app.addSchema(schema);

  app.post(
    '/v1/health-checks',
    {
      config: { permission: 'health-checks:write' },
      schema: {
        ...operation(
          'recordHealthCheck',
          'health',
          'Record a health check of a GPU or node',
          'A failure takes that GPU out, or all GPUs of the node. They return when the failed check is `ok` again ' +
            'and some check was `ok` under load since. An observation older than the latest of its check is kept ' +
            'and changes nothing.',
        ),
        body: ref(CreateHealthCheck),
        response: { 201: ref(HealthCheck), ...writeProblems(404) },
      },
    },
    async (request, reply) => {
      reply.code(201);
      return service.record(request.ctx, request.body);
    },
  );

  app.get(
    '/v1/health-checks',
    {
      config: { permission: 'health-checks:read' },
      schema: {
        ...operation('listHealthChecks', 'health', 'List health checks'),
        querystring: listQuerySchema(healthChecks),
        response: { 200: PageOf(HealthCheck), ...readProblems() },
      },
    },
    async (request, reply) => page(request, reply, await service.list(request.ctx, request.query)),
  );
}
