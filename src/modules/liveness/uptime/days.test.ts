import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Day, daysBetween, localDate } from './days.ts';

const hour = 3_600_000;
const days = (zone: string, from: string, until: string): Day[] =>
  daysBetween(Date.parse(from), Date.parse(until), localDate(zone) ?? String);
const hours = (list: readonly Day[]) => list.map(({ date, from, until }) => [date, (until - from) / hour]);

describe('local days', () => {
  it('have 23 and 25 hours where clocks are changed', () => {
    expect(hours(days('Europe/Berlin', '2026-03-27T23:00:00Z', '2026-03-30T22:00:00Z'))).toEqual([
      ['2026-03-28', 24],
      ['2026-03-29', 23],
      ['2026-03-30', 24],
    ]);
    expect(hours(days('America/New_York', '2026-11-01T04:00:00Z', '2026-11-02T05:00:00Z'))).toEqual([
      ['2026-11-01', 25],
    ]);
  });

  it('have half hours too, changes at midnight, and dates that a zone never had', () => {
    expect(hours(days('Australia/Lord_Howe', '2026-04-04T13:00:00Z', '2026-04-05T13:30:00Z'))).toEqual([
      ['2026-04-05', 24.5],
    ]);
    expect(hours(days('America/Sao_Paulo', '2018-11-03T03:00:00Z', '2018-11-05T02:00:00Z'))).toEqual([
      ['2018-11-03', 24],
      ['2018-11-04', 23],
    ]);
    expect(
      days('Pacific/Apia', '2011-12-29T10:00:00Z', '2011-12-31T10:00:00Z').map(({ date }) => date),
    ).toEqual(['2011-12-29', '2011-12-31']);
  });

  it('are cut to the range, and follow each other without a gap', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/Havana', 'Africa/Casablanca', 'Antarctica/Troll'),
        fc.integer({ min: Date.parse('2000-01-01'), max: Date.parse('2030-01-01') }),
        fc.integer({ min: 1, max: 10 * 24 * hour }),
        (zone, from, length) => {
          const list = daysBetween(from, from + length, localDate(zone) ?? String);
          expect([list[0]?.from, list.at(-1)?.until]).toEqual([from, from + length]);
          for (const [index, day] of list.entries()) expect(day.from).toBe(list[index - 1]?.until ?? from);
          expect(new Set(list.map(({ date }) => date)).size).toBe(list.length);
        },
      ),
    );
  });

  it('are of IANA zones alone', () => {
    for (const zone of ['Mars/Olympus', '+01:00', '', 'Europe/Berlin ', 'x'.repeat(100)])
      expect(localDate(zone)).toBeUndefined();
  });
});
