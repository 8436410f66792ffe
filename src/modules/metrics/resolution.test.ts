import { describe, expect, it } from '@jest/globals';
import { defaultStep, rolledUntil, sourceFor, stepSeconds } from './resolution.ts';

const midnight = '2026-11-25T00:00:00.000000Z';
const at = (time: string) => `2026-11-25T${time}Z`;

it.each([
  ['1s', 1],
  ['90s', 90],
  ['5m', 300],
  ['6h', 21_600],
  ['7d', 604_800],
])('a step of %s has %d seconds', (step, seconds) => {
  expect(stepSeconds(step)).toBe(seconds);
});

describe('the source', () => {
  const since = Date.parse('2026-10-26T00:00:00Z');
  it.each([
    ['1h', midnight, 'hour'],
    ['1d', midnight, 'hour'],
    ['60m', at('07:00:00.000000'), 'hour'],
    ['3600s', midnight, 'hour'],
    ['90m', midnight, 'minute'],
    ['1m', midnight, 'minute'],
    ['1h', at('07:30:00.000000'), 'minute'],
    ['1h', at('07:30:30.000000'), 'raw'],
    ['1h', at('07:00:00.000001'), 'raw'],
    ['1h', at('07:00:00.001000'), 'raw'],
    ['90s', midnight, 'raw'],
    ['30s', midnight, 'raw'],
  ])('of a step of %s from %s is %s, the coarsest that divides it', (step, from, source) => {
    expect(sourceFor({ from, stepS: stepSeconds(step) }, false, since)).toBe(source);
  });

  it('of percentiles is raw as long as there are samples', () => {
    expect(sourceFor({ from: midnight, stepS: 3600 }, true, since)).toBe('raw');
    expect(sourceFor({ from: midnight, stepS: 3600 }, true, Date.parse(midnight))).toBe('raw');
  });

  it('of percentiles is the hour afterwards, where it divides the step; minutes know no distribution', () => {
    const later = Date.parse(midnight) + 1;
    expect(sourceFor({ from: midnight, stepS: 7200 }, true, later)).toBe('hour');
    expect(sourceFor({ from: midnight, stepS: 300 }, true, later)).toBe('raw');
  });
});

describe('roll-ups answer', () => {
  it.each([
    ['hour', at('09:00:00.000000'), at('09:00:00.000000')],
    ['hour', at('09:59:59.999999'), at('09:00:00.000')],
    ['minute', at('09:59:00.000000'), at('09:59:00.000000')],
    ['minute', at('09:59:00.000001'), at('09:59:00.000')],
    ['raw', at('09:59:00.000001'), at('09:59:00.000001')],
  ] as const)('of %s for a range to %s until %s', (source, to, until) => {
    expect(rolledUntil(to, source)).toBe(until);
  });
});

it.each([
  [1000, '10s'],
  [2_400_000, '10s'],
  [3_600_000, '1m'],
  [86_400_000, '15m'],
  [604_800_000, '1h'],
  [365 * 86_400_000, '7d'],
  [3650 * 86_400_000, '30d'],
])('a range of %d ms is shown in steps of %s', (rangeMs, step) => {
  expect(defaultStep(rangeMs)).toBe(step);
});
