import { AppError, unavailable } from '../errors.ts';

/**
 * What a broken constraint means to a caller, by the constraint's name; modules bring their own. A rule that a trigger of
 * ours enforces may say more in the DETAIL of its error.
 */
export type ConstraintErrors = Readonly<Record<string, (detail: string) => AppError>>;

interface DatabaseError {
  code?: unknown;
  constraint?: unknown;
  detail?: unknown;
  message?: unknown;
  meta?: { driverAdapterError?: { cause?: { originalCode?: unknown; constraint?: { index?: unknown } } } };
}

/** The classes of PostgreSQL's appendix A: neither Prisma's `P1001` nor Node's `EPIPE` is one of them. */
const sqlStateForm = /^(?:\d[0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/;

/** SQLSTATE of an error of `pg` or Prisma; null where the connection broke before the server could say. */
export function sqlState(error: unknown): string | null {
  const { code, meta } = (error ?? {}) as DatabaseError;
  const original = meta?.driverAdapterError?.cause?.originalCode ?? code;
  return typeof original === 'string' && sqlStateForm.test(original) ? original : null;
}

function constraintOf(error: unknown): string | null {
  const { constraint, meta } = (error ?? {}) as DatabaseError;
  const name = meta?.driverAdapterError?.cause?.constraint?.index ?? constraint;
  return typeof name === 'string' ? name : null;
}

const brokenStates = /^(08|57P0|25P0[34]|53300)/;
const brokenCodes = /^(E(CONN|HOST|NET|PIPE|TIMEDOUT|NOTFOUND|AI_AGAIN)|P1001|P1002|P1008|P1017|P2024|P2028)/;
const brokenMessages =
  /Connection terminated|Query read timeout|timeout exceeded when trying to connect|not queryable|server closed the connection|Cannot use a pool after calling end|Client was closed/i;

/** The connection is gone or cannot be had: a read may be tried once more, the outcome of a COMMIT is unknown. */
export function isConnectionError(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== null) return brokenStates.test(state);
  const { code, message } = (error ?? {}) as DatabaseError;
  return brokenCodes.test(String(code)) || brokenMessages.test(String(message));
}

/** Another transaction won: serialisation failure or deadlock. Safe to run again from the start. */
export const isRetryable = (error: unknown): boolean => ['40001', '40P01'].includes(sqlState(error) ?? '');

export const isLockTimeout = (error: unknown): boolean => sqlState(error) === '55P03';

type Answer = (cause: unknown) => AppError;

const conflict: Answer = (cause) =>
  new AppError(409, 'request.conflict', 'It clashes with something that exists.', { cause });
const badReference: Answer = (cause) =>
  new AppError(422, 'request.bad_reference', 'It refers to something that does not exist.', { cause });
const unstorable: Answer = (cause) =>
  new AppError(400, 'request.invalid', 'A value cannot be stored.', { cause });
const lostRace: Answer = (cause) =>
  new AppError(409, 'request.concurrent_update', 'Others changed the same objects; try again.', { cause });
const busy: Answer = (cause) =>
  new AppError(409, 'resource.busy', 'The object is being changed; try again.', {
    headers: { 'retry-after': '1' },
    cause,
  });
const away: Answer = (cause) => unavailable('dependency.unavailable', 'The database is away.', 1, cause);
const readOnly: Answer = (cause) =>
  unavailable('dependency.unavailable', 'The database does not take writes now.', 2, cause);
const refused: Answer = (cause) =>
  unavailable('dependency.unavailable', 'The database refuses this service.', 2, cause);

/** The one map by SQLSTATE, for `pg` and Prisma alike. What connections die of is above. */
const answers: Readonly<Record<string, Answer>> = {
  '22001': unstorable,
  '22003': unstorable,
  '22007': unstorable,
  '22008': unstorable,
  '22021': unstorable,
  '22P02': unstorable,
  '22P05': unstorable,
  '23503': badReference,
  '23505': conflict,
  '23P01': conflict,
  '25006': readOnly,
  '28000': refused,
  '28P01': refused,
  '3D000': refused,
  '40001': lostRace,
  '40P01': lostRace,
  '53100': (cause) => unavailable('storage.full', 'The database has no space left.', 30, cause),
  '53200': away,
  '54001': unstorable,
  '55P03': busy,
  '57014': (cause) => unavailable('query.timeout', 'The database took too long.', 1, cause),
};

/** What an error of the database means to a caller; null for anything unknown, which then is a 500. */
export function toAppError(error: unknown, constraints: ConstraintErrors = {}): AppError | null {
  const state = sqlState(error);
  const known = state?.startsWith('23') ? constraints[constraintOf(error) ?? ''] : undefined;
  if (known) return known(String((error as DatabaseError).detail ?? ''));
  const answer = isConnectionError(error) ? away : answers[state ?? ''];
  return answer?.(error) ?? null;
}
