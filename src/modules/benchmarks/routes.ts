import { listQuerySchema } from '../../kernel/db/list.ts';
import { operation, readProblems, writeProblems } from '../../kernel/http/operation.ts';
import { PageOf, ref } from '../../kernel/http/schemas.ts';
import type { App } from '../../module.ts';
import { page } from '../../plugins/reply.ts';
import { benchmarks } from './collections.ts';
import { Benchmark, CreateBenchmark } from './schemas.ts';
import type { BenchmarkService } from './service.ts';

export function registerRoutes(app: App, service: BenchmarkService): void {
  for (const schema of [Benchmark, CreateBenchmark]) app.addSchema(schema);

  app.post(
    '/v1/benchmarks',
    {
      config: { permission: 'benchmarks:write' },
      schema: {
        ...operation(
          'recordBenchmark',
          'benchmarks',
          'Record a benchmark result',
          'The first result of a suite, version and metric fixes the unit.',
        ),
        body: ref(CreateBenchmark),
        response: { 201: ref(Benchmark), ...writeProblems(404) },
      },
    },
    async (request, reply) => {
      reply.code(201);
      return service.record(request.ctx, request.body);
    },
  );

  app.get(
    '/v1/benchmarks',
    {
      config: { permission: 'benchmarks:read' },
      schema: {
        ...operation('listBenchmarks', 'benchmarks', 'List benchmark results'),
        querystring: listQuerySchema(benchmarks),
        response: { 200: PageOf(Benchmark), ...readProblems() },
      },
    },
    async (request, reply) => page(request, reply, await service.list(request.ctx, request.query)),
  );
}
