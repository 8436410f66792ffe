import { AppError, unavailable } from '../errors.ts';

/** What a broken constraint means to a caller, by the constraint's name; modules bring their own. */
export type ConstraintErrors = Readonly<Record<string, () => AppError>>;

interface DatabaseError {
  code?: unknown;
  constraint?: unknown;
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

/** The one map by SQLSTATE, for `pg` and Prisma alike; null for anything unknown, which then is a 500. */
export function toAppError(error: unknown, constraints: ConstraintErrors = {}): AppError | null {
  const state = sqlState(error);
  const known = constraints[constraintOf(error) ?? ''];
  if (known && state?.startsWith('23')) return known();
  switch (state) {
    case '23505':
    case '23P01':
      return new AppError(409, 'request.conflict', 'It clashes with something that exists.', {
        cause: error,
      });
    case '23503':
      return new AppError(422, 'request.bad_reference', 'It refers to something that does not exist.', {
        cause: error,
      });
    case '22021':
    case '22003':
    case '22P02':
    case '22007':
    case '22008':
    case '54001':
      return new AppError(400, 'request.invalid', 'A value cannot be stored.', { cause: error });
    case '40001':
    case '40P01':
      return new AppError(409, 'request.concurrent_update', 'Others changed the same objects; try again.', {
        cause: error,
      });
    case '55P03':
      return new AppError(409, 'resource.busy', 'The object is being changed; try again.', {
        headers: { 'retry-after': '1' },
        cause: error,
      });
    case '57014':
      return unavailable('query.timeout', 'The database took too long.', 1, error);
    case '53100':
      return unavailable('storage.full', 'The database has no space left.', 30, error);
    case '25006':
    case '28000':
    case '28P01':
    case '3D000':
      return unavailable('dependency.unavailable', 'The database does not take writes now.', 2, error);
  }
  if (isConnectionError(error))
    return unavailable('dependency.unavailable', 'The database is away.', 1, error);
  return null;
}
