import { AppError } from '../../kernel/errors.ts';

/** 409: a list with this generation or a later one has been applied, with other content. */
export const staleGeneration = (current: number): AppError =>
  new AppError(409, 'processes.stale_generation', `Generation ${current} has been applied.`, {
    errors: [{ pointer: '/generation', detail: `must be above ${current}` }],
    members: { currentGeneration: current },
  });
