import type { ClaimOutcome } from './claim.ts';

/** Ends an attempt, and its transaction or savepoint with it, before anything was written. */
export class NotServed extends Error {
  readonly outcome: ClaimOutcome;

  constructor(outcome: ClaimOutcome) {
    super('The claim was not served.');
    this.outcome = outcome;
  }
}

/** What the work comes to; where it was not served, what `otherwise` makes of that. */
export async function served<T, U>(
  work: Promise<T>,
  otherwise: (outcome: ClaimOutcome) => U,
): Promise<T | U> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NotServed) return otherwise(error.outcome);
    throw error;
  }
}
