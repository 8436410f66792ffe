import { operation, writeProblems } from '../../../kernel/http/operation.ts';
import { ref } from '../../../kernel/http/schemas.ts';
import type { App } from '../../../module.ts';
import { Explain } from '../explain/schemas.ts';
import { Candidates, FindCandidates } from './schemas.ts';
import type { CandidateService } from './service.ts';

export function registerCandidates(app: App, candidates: CandidateService): void {
  for (const schema of [Explain, FindCandidates, Candidates]) app.addSchema(schema);
  app.post(
    '/v1/candidates',
    {
      config: { permission: 'candidates:find' },
      schema: {
        ...operation(
          'findCandidates',
          'allocations',
          'Find the GPUs that would serve a request',
          'The best first. With `holdTtlS` the best one is held in the same transaction, so that nobody else can have it; ' +
            'where somebody is faster, the next best.',
        ),
        body: ref(FindCandidates),
        response: { 200: ref(Candidates), ...writeProblems(404) },
      },
    },
    async (request) => candidates.find(request.ctx, request.body),
  );
}
