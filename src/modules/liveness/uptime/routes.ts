import { Type } from 'typebox';
import { accepts } from '../../../kernel/http/accept.ts';
import { operation, readProblems } from '../../../kernel/http/operation.ts';
import { IdParams } from '../../../kernel/http/params.ts';
import { ref } from '../../../kernel/http/schemas.ts';
import type { App } from '../../../module.ts';
import { csvOf } from './csv.ts';
import { Uptime, UptimeQuery } from './schemas.ts';
import type { UptimeService } from './service.ts';

const [json, csv] = ['application/json', 'text/csv'] as const;

export function registerUptimeRoutes(app: App, service: UptimeService): void {
  app.addSchema(Uptime);

  app.get(
    '/v1/providers/:id/uptime',
    {
      config: { permission: 'providers:read', produces: [json, csv] },
      schema: {
        ...operation(
          'getProviderUptime',
          'liveness',
          'How much of the time were the nodes of a provider there?',
          'By day of a time zone and in total, for any range; as JSON, or as CSV with a line a day.',
        ),
        params: IdParams,
        querystring: UptimeQuery,
        response: {
          200: {
            description: 'The report.',
            content: { [json]: { schema: ref(Uptime) }, [csv]: { schema: Type.String() } },
          },
          ...readProblems(404),
        },
      },
    },
    async (request, reply) => {
      const { params, query, headers } = request;
      const uptime = await service.get(request.ctx, params.id, query);
      const format = query.format ?? (accepts(headers.accept, [json]) ? 'json' : 'csv');
      if (format === 'json') return uptime;
      reply.header('content-disposition', `attachment; filename="uptime-${params.id}.csv"`);
      return reply.type(`${csv}; charset=utf-8`).send(csvOf(uptime.days));
    },
  );
}
