/** An answer as far as races look at it. */
export interface Reply {
  status: number;
  body: { code?: string };
}

/** Requests that are under way at once, each told its place. */
export const parallel = <T>(count: number, work: (at: number) => PromiseLike<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, at) => work(at)));

/** `201`, or `409 gpu.unavailable` where it is a problem. */
export const outcome = ({ status, body }: Reply): string =>
  [status, ...(body.code ? [body.code] : [])].join(' ');

/** How often there was which outcome. */
export function tally(replies: readonly Reply[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const reply of replies) counts[outcome(reply)] = (counts[outcome(reply)] ?? 0) + 1;
  return counts;
}
