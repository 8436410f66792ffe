import { AppError } from '../../kernel/errors.ts';
import type { Gate } from '../../kernel/gates.ts';
import type { Explain } from './explain/explainer.ts';
import type { Action, State } from './life/domain.ts';
import { quotaExceeded } from './quotas/errors.ts';

/** A GPU that a claim wanted, and the reasons against it. */
export interface Unschedulable {
  gpuId: string;
  reasons: Gate[];
}

export const gpuUnknown = (gpuIds: readonly string[]) =>
  new AppError(404, 'gpu.not_found', `No such GPU: ${gpuIds.join(', ')}.`, { members: { gpuIds } });

export const gpuUnavailable = (gpuIds: readonly string[] = []) =>
  new AppError(409, 'gpu.unavailable', 'Somebody else has at least one of the GPUs.', {
    members: { gpuIds },
  });

export const gpuUnschedulable = (gpus: readonly Unschedulable[]) =>
  new AppError(409, 'gpu.unschedulable', 'At least one of the GPUs may not be given out now.', {
    members: { gpus },
  });

/** With the reasons, where they could be had in time. */
export const noCapacity = (explain: Explain | null) =>
  new AppError(409, 'allocation.no_capacity', 'Nothing fits this request now.', {
    members: explain ? { explain } : {},
  });

export const holdExpired = () =>
  new AppError(409, 'allocation.hold_expired', 'The hold ended before it was confirmed.');

export const illegalTransition = (state: State, action: Action) =>
  new AppError(
    409,
    'allocation.illegal_transition',
    `An allocation that is ${state} cannot ${verbs[action]}.`,
    {
      members: { state, action },
    },
  );

const verbs: Readonly<Record<Action, string>> = {
  confirm: 'be confirmed',
  extendHold: 'have its hold extended',
  extendDuration: 'have its duration extended',
  release: 'be released',
  expire: 'expire',
  interrupt: 'be interrupted',
  impair: 'be impaired',
  recover: 'recover',
  move: 'be moved',
};

const concurrentUpdate = 'request.concurrent_update';

/** Another move of the same allocation came between: what it has now was not locked. */
export const movedMeanwhile = () =>
  new AppError(409, concurrentUpdate, 'The allocation was moved meanwhile; try again.');

export const isMovedMeanwhile = (error: unknown): boolean =>
  error instanceof AppError && error.code === concurrentUpdate;

export const notCleaning = () =>
  new AppError(409, 'gpu.not_cleaning', 'Nothing of this allocation is left to clean on this GPU.');

/** The database's own refusals: whatever slips past a decision ends here. */
export const constraints = {
  allocation_gpu_exclusive_key: () => gpuUnavailable(),
  gpu_state_units_check: () => gpuUnavailable(),
  gpu_state_partition_check: () => gpuUnavailable(),
  tenant_usage_quota_check: quotaExceeded,
  allocation_tenant_id_fkey: () => new AppError(404, 'tenant.not_found', 'No such tenant.'),
};

const lostRaces = ['resource.busy', 'request.concurrent_update', 'gpu.unavailable'];

const namesGpus = ({ members }: AppError): boolean =>
  Array.isArray(members.gpuIds) && members.gpuIds.length > 0;

/** Whether somebody else was faster. */
export const isLostRace = (error: unknown): boolean =>
  error instanceof AppError && lostRaces.includes(error.code);

/** A lost race of any kind as what it means to a claim: somebody else has the GPUs. */
export const asUnavailable = (error: unknown, gpuIds: readonly string[]): unknown =>
  error instanceof AppError && isLostRace(error) && !namesGpus(error) ? gpuUnavailable(gpuIds) : error;
