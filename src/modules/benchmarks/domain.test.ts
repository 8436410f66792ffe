import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isOutlier } from './domain.ts';

/** The example of the NIST handbook's page on Grubbs' test (1.3.5.17.1), less its outlier 245.57. */
const massSpectrometer = [199.31, 199.53, 200.19, 200.82, 201.92, 201.95, 202.18];

describe('a result', () => {
  it('is an outlier where it lies far from the others, on either side', () => {
    expect(isOutlier(245.57, massSpectrometer)).toBe(true);
    expect(isOutlier(150, massSpectrometer)).toBe(true);
    expect(isOutlier(203.5, massSpectrometer)).toBe(false);
  });

  it('is judged by a sample of eight or more, itself counted', () => {
    expect(isOutlier(245.57, massSpectrometer.slice(1))).toBe(false);
  });

  it('is not judged by noise where all others are equal', () => {
    const equal = Array.from({ length: 10 }, () => 100);
    expect(isOutlier(103, equal)).toBe(false);
    expect(isOutlier(104, equal)).toBe(true);
    expect(isOutlier(100, equal)).toBe(false);
  });

  it('keeps its judgement although almost half of the others are wrong', () => {
    const half = [...massSpectrometer, 900, 950, 980, 990, 999];
    expect(isOutlier(201, half)).toBe(false);
    expect(isOutlier(1e6, half)).toBe(true);
  });

  it('is judged alike in any order and in any unit', () => {
    const sample = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 8, maxLength: 40 });
    fc.assert(
      fc.property(sample, fc.integer({ min: 1, max: 20_000 }), (others, value) => {
        const judged = isOutlier(value, others);
        expect(isOutlier(value, others.toReversed())).toBe(judged);
        expect(
          isOutlier(
            value * 1024,
            others.map((other) => other * 1024),
          ),
        ).toBe(judged);
      }),
    );
  });

  it('in the middle of the others never is an outlier', () => {
    const sample = fc.array(fc.double({ min: -1e100, max: 1e100, noNaN: true }), {
      minLength: 8,
      maxLength: 41,
    });
    fc.assert(
      fc.property(sample, (others) => {
        const middle = others.toSorted((a, b) => a - b)[Math.floor(others.length / 2)] ?? 0;
        expect(isOutlier(middle, others)).toBe(false);
      }),
    );
  });
});
