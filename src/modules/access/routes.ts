import { Type } from 'typebox';
import { listQuerySchema } from '../../kernel/db/list.ts';
import { changeProblems, operation, readProblems, writeProblems } from '../../kernel/http/operation.ts';
import { IdParams } from '../../kernel/http/params.ts';
import { PageOf, ref } from '../../kernel/http/schemas.ts';
import type { App } from '../../module.ts';
import { created, noContent, page } from '../../plugins/reply.ts';
import { apiKeys, tenants } from './collections.ts';
import type { KeyService } from './key-service.ts';
import { permissionNames, roleMay } from './permissions.ts';
import {
  ApiKey,
  ApiKeyWithSecret,
  CreateApiKey,
  CreateTenant,
  PatchApiKey,
  PatchTenant,
  RotateApiKey,
  Tenant,
  Whoami,
} from './schemas.ts';
import type { TenantService } from './tenant-service.ts';

interface Services {
  keys: KeyService;
  tenants: TenantService;
}

export function registerRoutes(app: App, services: Services): void {
  for (const schema of [
    ApiKey,
    ApiKeyWithSecret,
    CreateApiKey,
    PatchApiKey,
    RotateApiKey,
    Tenant,
    CreateTenant,
    PatchTenant,
    Whoami,
  ]) {
    app.addSchema(schema);
  }
  registerWhoami(app, services.tenants);
  registerKeyRoutes(app, services.keys);
  registerTenantRoutes(app, services.tenants);
}

function registerWhoami(app: App, tenants: TenantService): void {
  app.get(
    '/v1/whoami',
    {
      config: { permission: 'self:read' },
      schema: {
        ...operation(
          'getWhoami',
          'access',
          'Who am I?',
          'A tenant sees its quotas and what it uses of them.',
        ),
        response: { 200: ref(Whoami), ...readProblems() },
      },
    },
    async ({ ctx }) => {
      const { principal } = ctx;
      const { tenantId, scopes } = principal;
      return {
        ...principal,
        scopes: [...scopes] as typeof permissionNames,
        permissions: permissionNames.filter(
          (name) => roleMay(principal.role, name) && (scopes.length === 0 || scopes.includes(name)),
        ),
        tenant: tenantId === null ? null : await tenants.get(ctx, tenantId),
      };
    },
  );
}

function registerKeyRoutes(app: App, keys: KeyService): void {
  app.post(
    '/v1/api-keys',
    {
      config: { permission: 'api-keys:write', secretReply: true },
      schema: {
        ...operation('createApiKey', 'access', 'Create an API key', 'The key is shown in this answer only.'),
        body: ref(CreateApiKey),
        response: { 201: ref(ApiKeyWithSecret), ...writeProblems(404) },
      },
    },
    async (request, reply) => {
      const key = await keys.create(request.ctx, request.body);
      return created(reply, `/v1/api-keys/${key.id}`, key);
    },
  );

  app.get(
    '/v1/api-keys',
    {
      config: { permission: 'api-keys:read' },
      schema: {
        ...operation('listApiKeys', 'access', 'List API keys'),
        querystring: listQuerySchema(apiKeys),
        response: { 200: PageOf(ApiKey), ...readProblems() },
      },
    },
    async (request, reply) => page(request, reply, await keys.list(request.ctx, request.query)),
  );

  app.patch(
    '/v1/api-keys/:id',
    {
      config: { permission: 'api-keys:write' },
      schema: {
        ...operation('updateApiKey', 'access', 'Rename, scope, disable or date an API key'),
        params: IdParams,
        body: ref(PatchApiKey),
        response: { 200: ref(ApiKey), ...changeProblems() },
      },
    },
    async (request) => keys.patch(request.ctx, request.params.id, request.ifMatch, request.body),
  );

  app.delete(
    '/v1/api-keys/:id',
    {
      config: { permission: 'api-keys:write' },
      schema: {
        ...operation(
          'revokeApiKey',
          'access',
          'Revoke an API key',
          'It stops working at once, within 5 s on other replicas.',
        ),
        params: IdParams,
        response: { 204: Type.Null({ description: 'Revoked.' }), ...changeProblems() },
      },
    },
    async (request, reply) => {
      await keys.revoke(request.ctx, request.params.id, request.ifMatch);
      return noContent(reply);
    },
  );

  app.post(
    '/v1/api-keys/:id/rotate',
    {
      config: { permission: 'api-keys:write', secretReply: true, emptyBody: true },
      schema: {
        ...operation(
          'rotateApiKey',
          'access',
          'Replace an API key',
          'Both keys work until the overlap ends. The new one lives as long as the old one was made for.',
        ),
        params: IdParams,
        body: ref(RotateApiKey),
        response: { 201: ref(ApiKeyWithSecret), ...changeProblems() },
      },
    },
    async (request, reply) => {
      const key = await keys.rotate(request.ctx, request.params.id, request.ifMatch, request.body ?? {});
      return created(reply, `/v1/api-keys/${key.id}`, key);
    },
  );
}

function registerTenantRoutes(app: App, service: TenantService): void {
  app.post(
    '/v1/tenants',
    {
      config: { permission: 'tenants:write' },
      schema: {
        ...operation('createTenant', 'access', 'Create a tenant'),
        body: ref(CreateTenant),
        response: { 201: ref(Tenant), ...writeProblems() },
      },
    },
    async (request, reply) => {
      const tenant = await service.create(request.ctx, request.body);
      return created(reply, `/v1/tenants/${tenant.id}`, tenant);
    },
  );

  app.get(
    '/v1/tenants',
    {
      config: { permission: 'tenants:read' },
      schema: {
        ...operation('listTenants', 'access', 'List tenants'),
        querystring: listQuerySchema(tenants),
        response: { 200: PageOf(Tenant), ...readProblems() },
      },
    },
    async (request, reply) => page(request, reply, await service.list(request.ctx, request.query)),
  );

  app.get(
    '/v1/tenants/:id',
    {
      config: { permission: 'tenants:read' },
      schema: {
        ...operation('getTenant', 'access', 'Get a tenant'),
        params: IdParams,
        response: { 200: ref(Tenant), ...readProblems(404) },
      },
    },
    async (request) => service.get(request.ctx, request.params.id),
  );

  app.patch(
    '/v1/tenants/:id',
    {
      config: { permission: 'tenants:write' },
      schema: {
        ...operation('updateTenant', 'access', 'Update a tenant'),
        params: IdParams,
        body: ref(PatchTenant),
        response: { 200: ref(Tenant), ...changeProblems() },
      },
    },
    async (request) => service.patch(request.ctx, request.params.id, request.ifMatch, request.body),
  );
}
