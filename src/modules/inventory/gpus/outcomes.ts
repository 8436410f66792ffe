import { AppError } from '../../../kernel/errors.ts';
import { HardwareConflict } from './errors.ts';

/** What becomes of one item of a request: a value, or the error that it would be refused with on its own. */
export type Outcome<T> = T | AppError;

export const isError = <T>(outcome: Outcome<T>): outcome is AppError => outcome instanceof AppError;

/** The values among some outcomes, in their order. */
export const succeeded = <T>(outcomes: readonly Outcome<T>[]): T[] =>
  outcomes.filter((outcome): outcome is T => !isError(outcome));

/**
 * The items that may be done. With `atomic`, all of them or none: of several claims on others' hardware every one is
 * named, of all else the first fault.
 *
 * @throws the error of an item, when `atomic`.
 */
export function settle<T>(outcomes: readonly Outcome<T>[], atomic: boolean): T[] {
  const errors = outcomes.filter(isError);
  if (atomic && errors.length > 0) {
    const claims = claimsOf(errors);
    throw claims.length > 0 ? new HardwareConflict(claims) : errors[0];
  }
  return succeeded(outcomes);
}

/** The claims on others' hardware among some outcomes. */
export const claimsOf = (outcomes: readonly unknown[]) =>
  outcomes.flatMap((outcome) => (outcome instanceof HardwareConflict ? outcome.claims : []));

/** The outcomes with what was planned replaced by what came of it, in the same order. */
export function replace<Planned, Done>(
  outcomes: readonly Outcome<Planned>[],
  done: readonly Done[],
): Outcome<Done>[] {
  const queue = done.values();
  return outcomes.map((outcome) => (isError(outcome) ? outcome : (queue.next().value as Done)));
}
