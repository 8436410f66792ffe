import { Type } from 'typebox';
import { listQuerySchema } from '../../../kernel/db/list.ts';
import { changeProblems, operation, readProblems, writeProblems } from '../../../kernel/http/operation.ts';
import { IdParams } from '../../../kernel/http/params.ts';
import { batchBodyLimit, PageOf, ref } from '../../../kernel/http/schemas.ts';
import type { App } from '../../../module.ts';
import { created, noContent, page } from '../../../plugins/reply.ts';
import { registrationClosed } from '../errors.ts';
import type { Enrollment } from '../nodes/enrollment.ts';
import { providers } from './collection.ts';
import {
  CreateEnrollmentToken,
  CreateProvider,
  EnrollmentToken,
  PatchProvider,
  Provider,
  Register,
  Registered,
  RegisteredProvider,
} from './schemas.ts';
import type { ProviderService } from './service.ts';

interface Services {
  providers: ProviderService;
  enrollment: Enrollment;
  openRegistration: boolean;
}

const schemas = [
  Provider,
  RegisteredProvider,
  CreateProvider,
  PatchProvider,
  Register,
  Registered,
  CreateEnrollmentToken,
  EnrollmentToken,
];

export function registerProviderRoutes(app: App, services: Services): void {
  for (const schema of schemas) app.addSchema(schema);
  registerCreation(app, services);

  app.get(
    '/v1/providers',
    {
      config: { permission: 'providers:read' },
      schema: {
        ...operation('listProviders', 'providers', 'List providers'),
        querystring: listQuerySchema(providers),
        response: { 200: PageOf(Provider), ...readProblems() },
      },
    },
    async (request, reply) => page(request, reply, await services.providers.list(request.ctx, request.query)),
  );

  app.get(
    '/v1/providers/:id',
    {
      config: { permission: 'providers:read' },
      schema: {
        ...operation('getProvider', 'providers', 'Get a provider'),
        params: IdParams,
        response: { 200: ref(Provider), ...readProblems(404) },
      },
    },
    async (request) => services.providers.get(request.ctx, request.params.id),
  );

  app.patch(
    '/v1/providers/:id',
    {
      config: { permission: 'providers:write' },
      schema: {
        ...operation(
          'updateProvider',
          'providers',
          'Update a provider',
          'Only an operator changes `lifecycle`.',
        ),
        params: IdParams,
        body: ref(PatchProvider),
        response: { 200: ref(Provider), ...changeProblems() },
      },
    },
    async (request) =>
      services.providers.patch(request.ctx, request.params.id, request.ifMatch, request.body),
  );

  app.delete(
    '/v1/providers/:id',
    {
      config: { permission: 'providers:write' },
      schema: {
        ...operation(
          'deleteProvider',
          'providers',
          'Delete a provider',
          'With its nodes, GPUs and keys; history stays.',
        ),
        params: IdParams,
        response: { 204: Type.Null({ description: 'Deleted.' }), ...changeProblems() },
      },
    },
    async (request, reply) => {
      await services.providers.delete(request.ctx, request.params.id, request.ifMatch);
      return noContent(reply);
    },
  );

  app.post(
    '/v1/providers/:id/enrollment-tokens',
    {
      config: { permission: 'enrollment-tokens:create', secretReply: true, emptyBody: true },
      schema: {
        ...operation('createEnrollmentToken', 'providers', 'Create a one-time enrolment token for an agent'),
        params: IdParams,
        body: ref(CreateEnrollmentToken),
        response: { 201: ref(EnrollmentToken), ...writeProblems(404) },
      },
    },
    async (request, reply) =>
      reply
        .code(201)
        .send(await services.enrollment.createToken(request.ctx, request.params.id, request.body ?? {})),
  );
}

function registerCreation(app: App, services: Services): void {
  app.post(
    '/v1/providers',
    {
      bodyLimit: batchBodyLimit,
      config: { permission: 'providers:create' },
      schema: {
        ...operation(
          'createProvider',
          'providers',
          'Register a provider',
          'Nested nodes and GPUs: all or nothing.',
        ),
        body: ref(CreateProvider),
        response: { 201: ref(RegisteredProvider), ...writeProblems() },
      },
    },
    async (request, reply) => {
      const provider = await services.providers.create(request.ctx, request.body);
      return created(reply, `/v1/providers/${provider.id}`, provider);
    },
  );

  app.post(
    '/v1/registrations',
    {
      config: { public: true, secretReply: true, rateLimit: 'auth' },
      schema: {
        ...operation(
          'registerProvider',
          'providers',
          'Register yourself',
          'Where the network is open; an operator activates the provider.',
        ),
        body: ref(Register),
        response: { 201: ref(Registered), ...writeProblems() },
      },
    },
    async (request, reply) => {
      if (!services.openRegistration) throw registrationClosed();
      const registered = await services.providers.register(request.ctx, request.body);
      return created(reply, `/v1/providers/${registered.provider.id}`, registered);
    },
  );
}
