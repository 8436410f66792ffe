import { operation, readProblems, writeProblems } from '../../../kernel/http/operation.ts';
import { ref } from '../../../kernel/http/schemas.ts';
import type { App } from '../../../module.ts';
import { Breaker, BreakerRelease, ReleaseBreaker } from './schemas.ts';
import type { BreakerService } from './service.ts';

export function registerBreakerRoutes(app: App, service: BreakerService): void {
  for (const schema of [Breaker, ReleaseBreaker, BreakerRelease]) app.addSchema(schema);

  app.get(
    '/v1/liveness/breaker',
    {
      config: { permission: 'breaker:read' },
      schema: {
        ...operation('getBreaker', 'liveness', 'Which nodes does the breaker hold back?'),
        response: { 200: ref(Breaker), ...readProblems() },
      },
    },
    async () => service.get(),
  );

  app.post(
    '/v1/liveness/breaker/release',
    {
      config: { permission: 'breaker:release', emptyBody: true },
      schema: {
        ...operation(
          'releaseBreaker',
          'liveness',
          'Judge the nodes that the breaker holds back',
          'They get one more window to be heard in, and then go offline as any other.',
        ),
        body: ref(ReleaseBreaker),
        response: { 200: ref(BreakerRelease), ...writeProblems() },
      },
    },
    async (request) => service.release(request.ctx, request.body?.reason),
  );
}
