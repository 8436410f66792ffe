import type { Collection } from '../../../kernel/db/list.ts';
import { operation, readProblems } from '../../../kernel/http/operation.ts';
import { ref } from '../../../kernel/http/schemas.ts';
import type { App } from '../../../module.ts';
import { sendPrinted } from '../../../plugins/cached.ts';
import { Availability, availabilityQuery } from './schemas.ts';
import type { AvailabilityService } from './service.ts';

export function registerAvailabilityRoute(app: App, service: AvailabilityService, gpus: Collection): void {
  app.addSchema(Availability);

  app.get(
    '/v1/availability',
    {
      config: { permission: 'availability:read' },
      schema: {
        ...operation(
          'getAvailability',
          'allocations',
          'Count the GPUs that can be had',
          'By model, region or provider, of the GPUs that the filters let pass: the same ones as of a list of GPUs. An ' +
            'agent counts the GPUs of its node, a provider its own.',
        ),
        querystring: availabilityQuery(gpus),
        response: { 200: ref(Availability), ...readProblems() },
      },
    },
    async (request, reply) => {
      const print = (answer: object) => `${reply.serialize(answer)}`;
      return sendPrinted(reply, await service.read(request.ctx.principal, request.query, print));
    },
  );
}
