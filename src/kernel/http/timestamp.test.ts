import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseTimestamp } from './timestamp.ts';

describe('parseTimestamp', () => {
  it.each([
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000000Z'],
    ['2026-01-02t03:04:05.1234567z', '2026-01-02T03:04:05.123456Z'],
    ['2026-01-02T03:04:05.5+02:00', '2026-01-02T01:04:05.500000Z'],
    ['2026-01-01T00:30:00-23:59', '2026-01-02T00:29:00.000000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000000Z'],
  ])('reads %s as %s', (text, utc) => {
    expect(parseTimestamp(text)).toBe(utc);
  });

  it.each([
    '',
    'infinity',
    'now',
    '2026-01-02',
    '2026-01-02T03:04:05',
    '2026-01-02 03:04:05Z',
    '2026-01-02T24:00:00Z',
    '2026-01-02T23:59:60Z',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00.000Z',
    '2026-01-02T24:00:00.000Z',
    '0000-12-31T23:59:59.000Z',
    '2026-13-01T00:00:00Z',
    '2026-01-02T03:04:05+24:00',
    '0000-12-31T23:59:59Z',
    '9999-12-31T23:59:59-01:00',
    '10000-01-01T00:00:00Z',
    '1767322800',
  ])('refuses %j', (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });

  it('keeps every moment that a Date can print', () => {
    const moments = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(moments, (moment) => {
        expect(parseTimestamp(moment.toISOString())).toBe(moment.toISOString().replace('Z', '000Z'));
      }),
    );
  });
});
