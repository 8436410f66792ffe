import type { FastifyRequest } from 'fastify';
import { accepts } from '../../kernel/http/accept.ts';
import { operation, readProblems, writeProblems } from '../../kernel/http/operation.ts';
import { ref } from '../../kernel/http/schemas.ts';
import type { App } from '../../module.ts';
import type { UsageAnswers } from './answers.ts';
import { toCsv } from './csv.ts';
import type { SampleIngest } from './ingest.ts';
import { usageQuery } from './question.ts';
import {
  RecordUsageMetrics,
  samplesBodyLimit,
  UsageMetric,
  UsageMetricReceipt,
  UsageSeries,
} from './schemas.ts';

export interface MetricServices {
  ingest: SampleIngest;
  answers: UsageAnswers;
}

const json = 'application/json';
const csv = 'text/csv';

export function registerRoutes(app: App, { ingest, answers }: MetricServices): void {
  for (const schema of [UsageMetric, RecordUsageMetrics, UsageMetricReceipt, UsageSeries])
    app.addSchema(schema);

  app.post(
    '/v1/usage-metrics',
    {
      config: { permission: 'usage-metrics:write', rateLimit: 'ingest' },
      bodyLimit: samplesBodyLimit,
      schema: {
        ...operation(
          'recordUsageMetrics',
          'usage-metrics',
          'Record samples of usage metrics',
          'Up to 10,000 at once, of any GPUs that the key may speak for. A sample that cannot be taken is told, the others ' +
            'are stored; what is there already is counted and ignored, so that a batch can be sent again. The first ' +
            'sample of a metric fixes its unit.',
        ),
        body: ref(RecordUsageMetrics),
        response: { 202: ref(UsageMetricReceipt), ...writeProblems() },
      },
    },
    async (request, reply) => reply.code(202).send(await ingest.record(request.ctx, request.body.samples)),
  );

  app.get(
    '/v1/usage-metrics',
    {
      config: { permission: 'usage-metrics:read', produces: [json, csv] },
      schema: {
        ...operation(
          'queryUsageMetrics',
          'usage-metrics',
          'What usage metrics come to over time',
          'Buckets [at, at + step) are counted from `from`; one without samples has the value null. Percentiles are ' +
            'exact as long as samples are kept and can be read in time, and within 1 % otherwise; `source` tells which.',
        ),
        querystring: usageQuery,
        response: {
          200: {
            description: 'OK',
            content: { [json]: { schema: ref(UsageSeries) }, [csv]: { schema: { type: 'string' } } },
          },
          ...readProblems(404),
        },
      },
    },
    async (request, reply) => {
      const answer = await answers.ask(request.ctx, request.query);
      if (!wantsCsv(request)) return answer;
      return reply.type('text/csv; charset=utf-8').send(toCsv(answer) as never);
    },
  );
}

const wantsCsv = ({ query, headers }: Pick<FastifyRequest, 'query' | 'headers'>): boolean => {
  const { format } = query as { format?: string };
  return format === undefined ? !accepts(headers.accept, [json]) : format === 'csv';
};
