import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { grant, levelAt, levelGranted, noLevels } from './domain.ts';

const day = (n: number) => new Date(Date.UTC(2026, 0, n));

describe('the level of a GPU', () => {
  it('is the highest whose time has not passed', () => {
    const levels = [day(30), day(10), null, null];
    expect(levelAt(levels, day(1))).toBe(2);
    expect(levelAt(levels, day(10))).toBe(1);
    expect(levelAt(levels, day(30))).toBe(0);
    expect(levelAt(noLevels, day(1))).toBe(0);
  });

  it('is granted with all levels below it', () => {
    expect(grant(noLevels, 3, day(7))).toEqual([day(7), day(7), day(7), null]);
    expect(grant(noLevels, 0, day(7))).toEqual(noLevels);
  });

  it('is never shortened by a later grant', () => {
    const levels = fc.array(fc.option(fc.integer({ min: 1, max: 28 }).map(day)), {
      minLength: 4,
      maxLength: 4,
    });
    fc.assert(
      fc.property(
        levels,
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 1, max: 28 }),
        fc.integer({ min: 1, max: 28 }),
        (before, level, until, moment) => {
          const after = grant(before, level, day(until));
          expect(levelAt(after, day(moment))).toBeGreaterThanOrEqual(levelAt(before, day(moment)));
          if (until > moment) expect(levelAt(after, day(moment))).toBeGreaterThanOrEqual(level);
        },
      ),
    );
  });
});

describe('a valid verdict', () => {
  const request = { asked: null, ceiling: 2, current: 0, disputed: false };

  it('grants what its kind can reach, or the less that it asks for', () => {
    expect(levelGranted(request)).toBe(2);
    expect(levelGranted({ ...request, asked: 1 })).toBe(1);
    expect(levelGranted({ ...request, asked: 4 })).toBe(2);
    expect(levelGranted({ ...request, asked: 0 })).toBe(0);
  });

  it('renews, and does not raise, the level of a GPU in dispute', () => {
    expect(levelGranted({ ...request, disputed: true })).toBe(0);
    expect(levelGranted({ ...request, disputed: true, current: 1 })).toBe(1);
    expect(levelGranted({ ...request, disputed: true, current: 4 })).toBe(2);
    expect(levelGranted({ ...request, disputed: true, current: 4, asked: 4 })).toBe(2);
  });
});
