import { AppError } from '../../../kernel/errors.ts';
import type { LiveAllocation } from '../ports.ts';

/** 409: a snapshot with this generation or a later one has been applied, with other content. */
export const staleGeneration = (current: number): AppError =>
  new AppError(409, 'inventory.stale_generation', `Generation ${current} has been applied.`, {
    errors: [{ pointer: '/generation', detail: `must be above ${current}` }],
    members: { currentGeneration: current },
  });

/** 409: a provider cannot declare away what tenants use; whose the allocations are is not said. */
export const gpusAllocated = (allocations: readonly LiveAllocation[]): AppError =>
  new AppError(409, 'inventory.gpus_allocated', 'Live allocations use GPUs that this inventory leaves out.', {
    members: { allocations: allocations.map(({ allocationId, gpuId }) => ({ allocationId, gpuId })) },
  });
