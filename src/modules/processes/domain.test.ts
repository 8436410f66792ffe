import { expect, it } from '@jest/globals';
import { differenceOf, type Listed, type Running } from './domain.ts';

const start = '2026-01-01T00:00:00.000000Z';
const running = (pid: number, more: Partial<Running> = {}): Running => ({
  ...{ id: `p${pid}`, pid, name: 'python', user: null, startedAt: new Date(start) },
  ...more,
});
const listed = (pid: number, more: Partial<Listed> = {}): Listed => ({
  ...{ pid, name: 'python', user: null, memoryUsedMb: null, startedAt: null },
  ...more,
});

it('starts what is new, goes on with what is known, ends what is gone', () => {
  const [one, two, three] = [running(1), running(2), listed(3)];
  expect(differenceOf([one, two], [listed(2), three])).toEqual({
    started: [three],
    continued: [{ before: two, now: listed(2) }],
    ended: [one],
  });
});

it.each([
  ['name', { name: 'java' }],
  ['name that is not known', { name: null }],
  ['start', { startedAt: '2026-01-01T00:00:01.000000Z' }],
])('takes a number with another %s for another process', (_what, more) => {
  const [before, now] = [running(1), listed(1, more)];
  expect(differenceOf([before], [now])).toEqual({ started: [now], continued: [], ended: [before] });
});

it.each([
  ['the same start', { startedAt: start }],
  ['another use of memory', { memoryUsedMb: 7 }],
  ['another user', { user: 'bob' }],
])('takes a number with %s for the same process', (_what, more) => {
  expect(differenceOf([running(1)], [listed(1, more)]).continued).toHaveLength(1);
});
