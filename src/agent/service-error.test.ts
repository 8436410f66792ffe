import { describe, expect, it } from '@jest/globals';
import { backoffMs } from './backoff.ts';
import { refusal, retryAfterMs } from './service-error.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

describe('refusal', () => {
  it('reads a problem document and the request id', () => {
    const problem = JSON.stringify({ code: 'gpu.hardware_conflict', detail: 'Taken.', status: 409 });
    const error = refusal(409, new Headers({ 'x-request-id': 'r-1' }), problem, now);
    expect(error).toMatchObject({
      status: 409,
      code: 'gpu.hardware_conflict',
      message: 'Taken. (request r-1)',
    });
    expect([error.retryable, error.keyRefused]).toEqual([false, false]);
  });

  it('lives with a page that is no problem document', () => {
    const error = refusal(502, new Headers(), '<h1>Bad Gateway</h1>', now);
    expect(error).toMatchObject({ status: 502, code: 'http.502', message: 'The service answered 502.' });
  });

  it.each([
    [401, false, true],
    [403, false, true],
    [404, false, true],
    [400, false, false],
    [429, true, false],
    [503, true, false],
  ])('%d: retryable %p, key refused %p', (status, retryable, keyRefused) => {
    const error = refusal(status, new Headers(), '{}', now);
    expect([error.retryable, error.keyRefused]).toEqual([retryable, keyRefused]);
  });

  it('waits for a twin that is still in flight', () => {
    expect(refusal(409, new Headers(), '{"code":"idempotency.in_progress"}', now).retryable).toBe(true);
  });
});

describe('retryAfterMs', () => {
  it.each([
    [null, 0],
    ['7', 7_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', 0],
    ['999999', 3_600_000],
  ])('%p is %d', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms);
  });
});

describe('backoffMs', () => {
  const highest = () => 1;

  it('doubles up to its cap', () => {
    expect([0, 1, 2, 10, 1000].map((failures) => backoffMs(failures, highest))).toEqual([
      1_000, 2_000, 4_000, 60_000, 60_000,
    ]);
  });

  it('spreads over the whole interval', () => {
    expect(backoffMs(3, () => 0)).toBe(0);
    expect(backoffMs(3, () => 0.5)).toBe(4_000);
  });

  it('never undercuts Retry-After', () => {
    expect(backoffMs(0, () => 0, undefined, 7_000)).toBe(7_000);
  });
});
