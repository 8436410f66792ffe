import { changeProblems, operation } from '../../../kernel/http/operation.ts';
import { IdParams } from '../../../kernel/http/params.ts';
import { ref } from '../../../kernel/http/schemas.ts';
import type { App } from '../../../module.ts';
import { Allocation } from '../schemas.ts';
import { MoveAllocation } from './schemas.ts';
import type { MoveService } from './service.ts';

/** `Allocation` and `GpuRequest` are made known with the other routes of allocations. */
export function registerMoveRoute(app: App, moves: MoveService): void {
  app.addSchema(MoveAllocation);
  app.post(
    '/v1/allocations/:id/move',
    {
      config: { permission: 'allocations:write' },
      schema: {
        ...operation(
          'moveAllocation',
          'allocations',
          'Give an allocation other GPUs, more of them or fewer',
          'All or nothing, in one version of the allocation: what comes is claimed as by a new allocation, quotas included, ' +
            'what goes is given back. State, deadlines and share stay.',
        ),
        params: IdParams,
        body: ref(MoveAllocation),
        response: { 200: ref(Allocation), ...changeProblems() },
      },
    },
    async (request) => moves.move(request.ctx, request.params.id, request.ifMatch, request.body),
  );
}
