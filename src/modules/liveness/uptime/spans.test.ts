import { expect, it } from '@jest/globals';
import { merged, split } from './spans.ts';

const span = (from: number, until: number) => ({ from, until });

it('spans that overlap or meet are one, empty ones none, whatever their order', () => {
  expect(merged([span(5, 7), span(1, 3), span(3, 4), span(6, 6), span(2, 3), span(9, 9)])).toEqual([
    span(1, 4),
    span(5, 7),
  ]);
});

it('a span is cut where others begin and end', () => {
  expect(split([span(0, 10)], [span(0, 1), span(4, 6), span(9, 12)])).toEqual({
    inside: [span(0, 1), span(4, 6), span(9, 10)],
    outside: [span(1, 4), span(6, 9)],
  });
});
