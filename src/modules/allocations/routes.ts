import { listQuerySchema } from '../../kernel/db/list.ts';
import { changeProblems, operation, readProblems, writeProblems } from '../../kernel/http/operation.ts';
import { IdParams } from '../../kernel/http/params.ts';
import { PageOf, ref } from '../../kernel/http/schemas.ts';
import type { App } from '../../module.ts';
import { created, page } from '../../plugins/reply.ts';
import { registerCandidates } from './candidates/routes.ts';
import type { CandidateService } from './candidates/service.ts';
import type { ClaimService } from './claims/service.ts';
import { allocations } from './collection.ts';
import type { AllocationService } from './life/service.ts';
import {
  Allocation,
  AllocationRequest,
  ConfirmAllocation,
  CreateAllocation,
  ExtendAllocation,
  GpuAlternative,
  GpuGroup,
  GpuRequest,
  ReleaseAllocation,
} from './schemas.ts';

interface Services {
  candidates: CandidateService;
  claims: ClaimService;
  allocations: AllocationService;
}

export function registerRoutes(app: App, services: Services): void {
  for (const schema of [
    Allocation,
    GpuGroup,
    GpuAlternative,
    GpuRequest,
    AllocationRequest,
    CreateAllocation,
    ConfirmAllocation,
    ExtendAllocation,
    ReleaseAllocation,
  ]) {
    app.addSchema(schema);
  }
  registerCandidates(app, services.candidates);
  registerBeginning(app, services.claims);
  registerReading(app, services.allocations);
  registerActions(app, services.allocations);
}

function registerBeginning(app: App, claims: ClaimService): void {
  app.post(
    '/v1/allocations',
    {
      config: { permission: 'allocations:write' },
      schema: {
        ...operation(
          'createAllocation',
          'allocations',
          'Allocate or hold GPUs',
          'All or nothing, and exclusive: of any number of parallel claims on one GPU exactly one is answered 201. With ' +
            '`holdTtlS` it is a hold, which ends by itself unless confirmed.',
        ),
        body: ref(CreateAllocation),
        response: { 201: ref(Allocation), ...writeProblems(404) },
      },
    },
    async (request, reply) => {
      const allocation = await claims.create(request.ctx, request.body);
      return created(reply, `/v1/allocations/${allocation.id}`, allocation);
    },
  );
}

function registerReading(app: App, service: AllocationService): void {
  app.get(
    '/v1/allocations',
    {
      config: { permission: 'allocations:read' },
      schema: {
        ...operation('listAllocations', 'allocations', 'List allocations', 'A tenant sees its own.'),
        querystring: listQuerySchema(allocations),
        response: { 200: PageOf(Allocation), ...readProblems() },
      },
    },
    async (request, reply) => page(request, reply, await service.list(request.ctx, request.query)),
  );

  app.get(
    '/v1/allocations/:id',
    {
      config: { permission: 'allocations:read' },
      schema: {
        ...operation(
          'getAllocation',
          'allocations',
          'Get an allocation',
          'By the time of the database: what is past its deadline reads `expired`.',
        ),
        params: IdParams,
        response: { 200: ref(Allocation), ...readProblems(404) },
      },
    },
    async (request) => service.get(request.ctx, request.params.id),
  );
}

function registerActions(app: App, service: AllocationService): void {
  app.post(
    '/v1/allocations/:id/confirm',
    {
      config: { permission: 'allocations:write', emptyBody: true },
      schema: {
        ...operation(
          'confirmAllocation',
          'allocations',
          'Confirm a hold',
          'It becomes active; a duration counts from now. Confirming again changes nothing.',
        ),
        params: IdParams,
        body: ref(ConfirmAllocation),
        response: { 200: ref(Allocation), ...changeProblems() },
      },
    },
    async (request) => service.confirm(request.ctx, request.params.id, request.ifMatch),
  );

  app.post(
    '/v1/allocations/:id/extend',
    {
      config: { permission: 'allocations:write', emptyBody: true },
      schema: {
        ...operation(
          'extendAllocation',
          'allocations',
          'Extend a hold or a duration',
          'The deadline becomes so many seconds from now, and never comes closer.',
        ),
        params: IdParams,
        body: ref(ExtendAllocation),
        response: { 200: ref(Allocation), ...changeProblems() },
      },
    },
    async (request) => service.extend(request.ctx, request.params.id, request.ifMatch, request.body ?? {}),
  );

  app.post(
    '/v1/allocations/:id/release',
    {
      config: { permission: 'allocations:write', emptyBody: true },
      schema: {
        ...operation(
          'releaseAllocation',
          'allocations',
          'Release an allocation',
          'Gives the GPUs back. Releasing again changes nothing and answers the same.',
        ),
        params: IdParams,
        body: ref(ReleaseAllocation),
        response: { 200: ref(Allocation), ...changeProblems() },
      },
    },
    async (request) => service.release(request.ctx, request.params.id, request.ifMatch, request.body ?? {}),
  );
}
