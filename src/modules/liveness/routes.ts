import { Type } from 'typebox';
import { listQuerySchema } from '../../kernel/db/list.ts';
import { operation, readProblems, writeProblems } from '../../kernel/http/operation.ts';
import { Uuid } from '../../kernel/http/params.ts';
import { batchBodyLimit, PageOf, ref } from '../../kernel/http/schemas.ts';
import type { App, Kernel } from '../../module.ts';
import { page } from '../../plugins/reply.ts';
import { heartbeats, listHeartbeats } from './history.ts';
import {
  Heartbeat,
  HeartbeatAnswer,
  HeartbeatBatch,
  HeartbeatBatchAnswer,
  HeartbeatInput,
} from './schemas.ts';
import type { HeartbeatService } from './service.ts';

/** Never refused for load: a node must not look dead because we are busy. */
const ingestConfig = { permission: 'heartbeats:write', rateLimit: 'ingest', underPressure: 'serve' } as const;

export function registerRoutes(app: App, kernel: Kernel, service: HeartbeatService): void {
  for (const schema of [HeartbeatInput, HeartbeatAnswer, HeartbeatBatch, HeartbeatBatchAnswer, Heartbeat]) {
    app.addSchema(schema);
  }

  app.post(
    '/v1/heartbeats',
    {
      config: ingestConfig,
      schema: {
        ...operation(
          'sendHeartbeat',
          'heartbeats',
          'Send a sign of life',
          'Answered after it is stored. A sequence that is not above the last one changes nothing.',
        ),
        body: ref(HeartbeatInput),
        response: { 202: ref(HeartbeatAnswer), ...writeProblems(404) },
      },
    },
    async (request, reply) => reply.code(202).send(await service.send(request.ctx, request.body)),
  );

  app.post(
    '/v1/heartbeats/batch',
    {
      config: ingestConfig,
      bodyLimit: batchBodyLimit,
      schema: {
        ...operation(
          'sendHeartbeats',
          'heartbeats',
          'Send signs of life of several nodes',
          'Refused as a whole, naming the index, when one names a node that is not the own.',
        ),
        body: ref(HeartbeatBatch),
        response: { 202: ref(HeartbeatBatchAnswer), ...writeProblems(404) },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await service.sendBatch(request.ctx, request.body.heartbeats)),
  );

  app.get(
    '/v1/heartbeats',
    {
      config: { permission: 'heartbeats:read' },
      schema: {
        ...operation(
          'listHeartbeats',
          'heartbeats',
          'List the heartbeats of a node',
          'Oldest first; `to` is exclusive.',
        ),
        querystring: Type.Object({
          ...listQuerySchema(heartbeats).properties,
          nodeId: Uuid({ description: 'Whose heartbeats.' }),
        }),
        response: { 200: PageOf(Heartbeat), ...readProblems() },
      },
    },
    async (request, reply) => page(request, reply, await listHeartbeats(kernel, request.ctx, request.query)),
  );
}
