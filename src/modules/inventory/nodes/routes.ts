import { Type } from 'typebox';
import { listQuerySchema } from '../../../kernel/db/list.ts';
import { changeProblems, operation, readProblems, writeProblems } from '../../../kernel/http/operation.ts';
import { IdParams } from '../../../kernel/http/params.ts';
import { PageOf, ref } from '../../../kernel/http/schemas.ts';
import type { App } from '../../../module.ts';
import { created, noContent, page } from '../../../plugins/reply.ts';
import { SystemInput } from '../fields.ts';
import { nodes } from './collection.ts';
import type { Enrollment } from './enrollment.ts';
import { CreateNode, DrainNode, EnrolledNode, EnrollNode, Node, PatchNode } from './schemas.ts';
import type { NodeService } from './service.ts';

interface Services {
  nodes: NodeService;
  enrollment: Enrollment;
}

export function registerNodeRoutes(app: App, services: Services): void {
  for (const schema of [SystemInput, Node, CreateNode, PatchNode, DrainNode, EnrollNode, EnrolledNode])
    app.addSchema(schema);
  registerCreation(app, services);

  app.get(
    '/v1/nodes',
    {
      config: { permission: 'nodes:read' },
      schema: {
        ...operation('listNodes', 'nodes', 'List nodes'),
        querystring: listQuerySchema(nodes),
        response: { 200: PageOf(Node), ...readProblems() },
      },
    },
    async (request, reply) => page(request, reply, await services.nodes.list(request.ctx, request.query)),
  );

  app.get(
    '/v1/nodes/:id',
    {
      config: { permission: 'nodes:read' },
      schema: {
        ...operation('getNode', 'nodes', 'Get a node'),
        params: IdParams,
        response: { 200: ref(Node), ...readProblems(404) },
      },
    },
    async (request) => services.nodes.get(request.ctx, request.params.id),
  );

  app.patch(
    '/v1/nodes/:id',
    {
      config: { permission: 'nodes:write' },
      schema: {
        ...operation('updateNode', 'nodes', 'Update a node', '`eligibility: eligible` ends a drain.'),
        params: IdParams,
        body: ref(PatchNode),
        response: { 200: ref(Node), ...changeProblems() },
      },
    },
    async (request) => services.nodes.patch(request.ctx, request.params.id, request.ifMatch, request.body),
  );

  app.delete(
    '/v1/nodes/:id',
    {
      config: { permission: 'nodes:write' },
      schema: {
        ...operation('deleteNode', 'nodes', 'Delete a node', 'With its GPUs and keys; history stays.'),
        params: IdParams,
        response: { 204: Type.Null({ description: 'Deleted.' }), ...changeProblems() },
      },
    },
    async (request, reply) => {
      await services.nodes.delete(request.ctx, request.params.id, request.ifMatch);
      return noContent(reply);
    },
  );

  app.post(
    '/v1/nodes/:id/drain',
    {
      config: { permission: 'nodes:write', emptyBody: true },
      schema: {
        ...operation(
          'drainNode',
          'nodes',
          'Drain a node',
          'It takes no new allocation. Those that there are go on until the deadline, if one is given, and are ended ' +
            'then, with `endReason: drained`. `eligibility: eligible` in a PATCH takes all of it back.',
        ),
        params: IdParams,
        body: ref(DrainNode),
        response: { 200: ref(Node), ...changeProblems() },
      },
    },
    async (request) =>
      services.nodes.drain(request.ctx, request.params.id, request.ifMatch, request.body ?? {}),
  );
}

function registerCreation(app: App, services: Services): void {
  app.post(
    '/v1/nodes',
    {
      config: { permission: 'nodes:write' },
      schema: {
        ...operation('createNode', 'nodes', 'Register a node'),
        body: ref(CreateNode),
        response: { 201: ref(Node), ...writeProblems(404) },
      },
    },
    async (request, reply) => {
      const node = await services.nodes.create(request.ctx, request.body);
      return created(reply, `/v1/nodes/${node.id}`, node);
    },
  );

  app.post(
    '/v1/nodes/enroll',
    {
      config: { public: true, secretReply: true, rateLimit: 'write' },
      schema: {
        ...operation('enrollNode', 'nodes', "Trade an enrolment token for a node and its agent's key"),
        body: ref(EnrollNode),
        response: { 201: ref(EnrolledNode), ...writeProblems(410) },
      },
    },
    async (request, reply) => {
      const enrolled = await services.enrollment.enroll(request.ctx, request.body);
      return created(reply, `/v1/nodes/${enrolled.node.id}`, enrolled);
    },
  );
}
