import { describe, expect, it } from '@jest/globals';
import { AppError } from '../errors.ts';
import { isConnectionError, isLockTimeout, isRetryable, sqlState, toAppError } from './errors.ts';

/** As `pg` raises it. */
const ofPg = (code: string, constraint?: string) =>
  Object.assign(new Error('told by the server'), { code, severity: 'ERROR', constraint });

/** As Prisma wraps the same: a P-code outside, the server's inside. */
const ofPrisma = (code: string, originalCode: string, index?: string) =>
  Object.assign(new Error('told by Prisma'), {
    code,
    meta: { driverAdapterError: { cause: { originalCode, constraint: index && { index } } } },
  });

const bySqlState = [
  ['22001', 'P2000', 400, 'request.invalid'],
  ['22003', 'P2020', 400, 'request.invalid'],
  ['22007', 'P2039', 400, 'request.invalid'],
  ['22008', 'P2039', 400, 'request.invalid'],
  ['22021', 'P2039', 400, 'request.invalid'],
  ['22P02', 'P2039', 400, 'request.invalid'],
  ['22P05', 'P2039', 400, 'request.invalid'],
  ['54001', 'P2039', 400, 'request.invalid'],
  ['23505', 'P2002', 409, 'request.conflict'],
  ['23P01', 'P2010', 409, 'request.conflict'],
  ['40001', 'P2034', 409, 'request.concurrent_update'],
  ['40P01', 'P2034', 409, 'request.concurrent_update'],
  ['55P03', 'P2039', 409, 'resource.busy'],
  ['23503', 'P2003', 422, 'request.bad_reference'],
  ['57014', 'P2010', 503, 'query.timeout'],
  ['53100', 'P2039', 503, 'storage.full'],
  ['25P03', 'P2039', 503, 'dependency.unavailable'],
  ['25P04', 'P2039', 503, 'dependency.unavailable'],
  ['57P01', 'P2039', 503, 'dependency.unavailable'],
  ['57P02', 'P1017', 503, 'dependency.unavailable'],
  ['57P03', 'P2039', 503, 'dependency.unavailable'],
  ['57P05', 'P2039', 503, 'dependency.unavailable'],
  ['08006', 'P2010', 503, 'dependency.unavailable'],
  ['08P01', 'P2010', 503, 'dependency.unavailable'],
  ['53200', 'P2010', 503, 'dependency.unavailable'],
  ['53300', 'P2010', 503, 'dependency.unavailable'],
  ['25006', 'P2010', 503, 'dependency.unavailable'],
  ['28000', 'P1010', 503, 'dependency.unavailable'],
  ['28P01', 'P1010', 503, 'dependency.unavailable'],
  ['3D000', 'P1003', 503, 'dependency.unavailable'],
] as const;

describe('toAppError', () => {
  it.each(bySqlState)('answers %s (of Prisma %s) with %i %s', (state, prismaCode, status, code) => {
    for (const error of [ofPg(state), ofPrisma(prismaCode, state)]) {
      expect(toAppError(error)).toMatchObject({ status, code, cause: error });
    }
  });

  const outages = bySqlState.filter(([, , status]) => status === 503).map(([state]) => state);
  it.each(outages)('tells when to try again after %s', (state) => {
    expect(toAppError(ofPg(state))?.headers['retry-after']).toMatch(/^\d+$/);
  });

  it.each([
    ['connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED'],
    ['', 'ECONNREFUSED'],
    ['read ECONNRESET', 'ECONNRESET'],
    ['write EPIPE', 'EPIPE'],
    ['getaddrinfo ENOTFOUND db', 'ENOTFOUND'],
    ['getaddrinfo EAI_AGAIN db', 'EAI_AGAIN'],
    ['connect EHOSTUNREACH 10.0.0.1:5432', 'EHOSTUNREACH'],
    ['connect ENETUNREACH 10.0.0.1:5432', 'ENETUNREACH'],
    ['connect ETIMEDOUT 10.0.0.1:5432', 'ETIMEDOUT'],
    ["Can't reach database server", 'P1001'],
    ['Server has closed the connection', 'P1017'],
    ['Unable to start a transaction in the given time', 'P2028'],
    ['Timed out fetching a connection from the pool', 'P2024'],
    ['Connection terminated unexpectedly', undefined],
    ['Connection terminated due to connection timeout', undefined],
    ['Query read timeout', undefined],
    ['timeout exceeded when trying to connect', undefined],
    ['Client has encountered a connection error and is not queryable', undefined],
    ['Cannot use a pool after calling end on the pool', undefined],
  ])('answers a broken connection with 503: %s %s', (message, code) => {
    const error = Object.assign(new Error(message), code && { code });
    expect(sqlState(error)).toBeNull();
    expect(isConnectionError(error)).toBe(true);
    expect(toAppError(error)).toMatchObject({ status: 503, code: 'dependency.unavailable' });
  });

  it.each([
    ['a broken rule of ours', ofPg('23514')],
    ['a missing value', ofPg('23502')],
    ['a mistake in our SQL', ofPg('42601')],
    ['an exception of our functions', ofPg('P0001')],
    ['an error of the code', new TypeError('x is not a function')],
    ['something that is no error', 'text'],
    ['nothing at all', undefined],
  ])('does not know %s', (_what, error) => {
    expect(toAppError(error)).toBeNull();
  });

  it('says what a named constraint means', () => {
    const taken = () => new AppError(409, 'provider.email_taken', 'This e-mail is taken.');
    const constraints = { provider_email_key: taken };
    for (const error of [
      ofPg('23505', 'provider_email_key'),
      ofPrisma('P2002', '23505', 'provider_email_key'),
    ]) {
      expect(toAppError(error, constraints)).toMatchObject({ code: 'provider.email_taken' });
    }
    expect(toAppError(ofPg('23505', 'other_key'), constraints)).toMatchObject({ code: 'request.conflict' });
    expect(toAppError(ofPg('23514', 'provider_email_key'), constraints)).toMatchObject({ status: 409 });
  });
});

describe('what may be tried again', () => {
  it('is a lost race alone', () => {
    expect(['40001', '40P01'].map((state) => isRetryable(ofPg(state)))).toEqual([true, true]);
    expect(isRetryable(ofPrisma('P2034', '40P01'))).toBe(true);
    expect(['55P03', '57014', '23505', '57P01'].map((state) => isRetryable(ofPg(state)))).not.toContain(true);
    expect(isLockTimeout(ofPg('55P03'))).toBe(true);
    expect(isLockTimeout(ofPg('57014'))).toBe(false);
  });
});
