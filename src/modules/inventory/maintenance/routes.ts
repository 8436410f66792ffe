import { Type } from 'typebox';
import { listQuerySchema } from '../../../kernel/db/list.ts';
import { changeProblems, operation, readProblems, writeProblems } from '../../../kernel/http/operation.ts';
import { IdParams } from '../../../kernel/http/params.ts';
import { PageOf, ref } from '../../../kernel/http/schemas.ts';
import type { App } from '../../../module.ts';
import { created, noContent, page } from '../../../plugins/reply.ts';
import { maintenanceWindows } from './collection.ts';
import { CreateMaintenanceWindow, MaintenanceWindow, PatchMaintenanceWindow } from './schemas.ts';
import type { MaintenanceService } from './service.ts';

export function registerMaintenanceRoutes(app: App, service: MaintenanceService): void {
  for (const schema of [MaintenanceWindow, CreateMaintenanceWindow, PatchMaintenanceWindow])
    app.addSchema(schema);

  app.post(
    '/v1/maintenance-windows',
    {
      config: { permission: 'maintenance-windows:write' },
      schema: {
        ...operation(
          'announceMaintenance',
          'maintenance',
          'Announce maintenance of a node, or of all nodes of a provider',
          'No new allocation overlaps it; those that there are go on, and their tenants are told by an event.',
        ),
        body: ref(CreateMaintenanceWindow),
        response: { 201: ref(MaintenanceWindow), ...writeProblems(404) },
      },
    },
    async (request, reply) => {
      const window = await service.create(request.ctx, request.body);
      return created(reply, `/v1/maintenance-windows/${window.id}`, window);
    },
  );

  app.get(
    '/v1/maintenance-windows',
    {
      config: { permission: 'maintenance-windows:read' },
      schema: {
        ...operation('listMaintenanceWindows', 'maintenance', 'List maintenance windows'),
        querystring: listQuerySchema(maintenanceWindows),
        response: { 200: PageOf(MaintenanceWindow), ...readProblems() },
      },
    },
    async (request, reply) => page(request, reply, await service.list(request.ctx, request.query)),
  );

  app.get(
    '/v1/maintenance-windows/:id',
    {
      config: { permission: 'maintenance-windows:read' },
      schema: {
        ...operation('getMaintenanceWindow', 'maintenance', 'Get a maintenance window'),
        params: IdParams,
        response: { 200: ref(MaintenanceWindow), ...readProblems(404) },
      },
    },
    async (request) => service.get(request.ctx, request.params.id),
  );

  app.patch(
    '/v1/maintenance-windows/:id',
    {
      config: { permission: 'maintenance-windows:write' },
      schema: {
        ...operation(
          'updateMaintenanceWindow',
          'maintenance',
          'Move or prolong a maintenance window',
          'An `endsAt` that comes soon ends it early.',
        ),
        params: IdParams,
        body: ref(PatchMaintenanceWindow),
        response: { 200: ref(MaintenanceWindow), ...changeProblems() },
      },
    },
    async (request) => service.patch(request.ctx, request.params.id, request.ifMatch, request.body),
  );

  app.delete(
    '/v1/maintenance-windows/:id',
    {
      config: { permission: 'maintenance-windows:write' },
      schema: {
        ...operation(
          'cancelMaintenanceWindow',
          'maintenance',
          'Call a maintenance window off',
          'One that has begun ends now; what was of it stays in the uptime.',
        ),
        params: IdParams,
        response: { 204: Type.Null({ description: 'Called off.' }), ...changeProblems() },
      },
    },
    async (request, reply) => {
      await service.cancel(request.ctx, request.params.id, request.ifMatch);
      return noContent(reply);
    },
  );
}
