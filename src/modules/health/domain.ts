export type Outcome = 'ok' | 'warning' | 'failed';

/** Where one check stands. Moments are microseconds of the epoch, as exact as the database keeps them. */
export interface CheckState {
  outcome: Outcome;
  failedAt: number | null;
  okAt: number | null;
  loadedOkAt: number | null;
}

const never = Number.NEGATIVE_INFINITY;

const latest = (moments: readonly (number | null)[]): number =>
  moments.reduce<number>((last, moment) => Math.max(last, moment ?? never), never);

/** A failure stands until the same check has been seen `ok` after it: a warning does not take it back. */
const stands = ({ failedAt, okAt }: CheckState): boolean => failedAt !== null && failedAt >= (okAt ?? never);

/**
 * The health of a GPU or node as a function of where its checks stand. One failure takes it out. It comes back once
 * no failure stands and some check was `ok` under load after the last failure: what only breaks at work looks fine
 * when idle. A warning shows, and neither takes out nor holds back.
 */
export function healthOf(checks: readonly CheckState[]): Outcome | 'unknown' {
  if (checks.length === 0) return 'unknown';
  const failedAt = latest(checks.map((check) => check.failedAt));
  const loadedOkAt = latest(checks.map((check) => check.loadedOkAt));
  const proven = failedAt === never || loadedOkAt > failedAt;
  if (!proven || checks.some(stands)) return 'failed';
  return checks.some(({ outcome }) => outcome === 'warning') ? 'warning' : 'ok';
}
