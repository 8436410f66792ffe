/** The process's clock, in milliseconds of the epoch; tests hand in their own. Deadlines are the database's business. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
