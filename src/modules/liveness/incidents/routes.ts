import { listQuerySchema } from '../../../kernel/db/list.ts';
import { operation, readProblems } from '../../../kernel/http/operation.ts';
import { PageOf } from '../../../kernel/http/schemas.ts';
import type { App, Kernel } from '../../../module.ts';
import { page } from '../../../plugins/reply.ts';
import { incidents, listIncidents } from './collection.ts';
import { Incident } from './schemas.ts';

export function registerIncidentRoutes(app: App, kernel: Pick<Kernel, 'db' | 'cursors'>): void {
  app.addSchema(Incident);

  app.get(
    '/v1/incidents',
    {
      config: { permission: 'incidents:read' },
      schema: {
        ...operation(
          'listIncidents',
          'liveness',
          'List incidents',
          'Times in which nodes were silent; `from` and `to` give those that a range meets.',
        ),
        querystring: listQuerySchema(incidents),
        response: { 200: PageOf(Incident), ...readProblems() },
      },
    },
    async (request, reply) => page(request, reply, await listIncidents(kernel, request.ctx, request.query)),
  );
}
