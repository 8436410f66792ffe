import { expect, it } from '@jest/globals';
import type { Answer } from './answers.ts';
import { toCsv } from './csv.ts';

const answer = (series: Answer['series']): Answer => ({
  ...{
    step: '1m',
    agg: 'avg',
    source: 'raw',
    from: '2026-01-01T00:00:00.000Z',
    to: '2026-01-01T00:02:00.000Z',
  },
  series,
});
const at = '2026-01-01T00:00:00.000Z';

it('has a line for each point, and an empty cell for a gap', () => {
  const points = [
    { at, value: 1.5 },
    { at, value: null },
  ];
  expect(toCsv(answer([{ key: 'a', unit: 'W', points }]))).toBe(
    `key,unit,at,value\r\na,W,${at},1.5\r\na,W,${at},\r\n`,
  );
});

it('has the revisions where they were asked for', () => {
  const points = [
    { at, value: 1, revision: 2 },
    { at, value: 2, revision: null },
  ];
  expect(toCsv(answer([{ key: 'a', unit: 'W', points }]))).toBe(
    `key,unit,at,value,revision\r\na,W,${at},1,2\r\na,W,${at},2,\r\n`,
  );
});

it('quotes what would break a line, and disarms what a spreadsheet would run', () => {
  const points = [{ at, value: 1 }];
  const series = ['a,b', 'a"b', '=cmd()'].map((unit) => ({ key: 'k', unit, points }));
  expect(toCsv(answer(series)).split('\r\n').slice(1, 4)).toEqual([
    `k,"a,b",${at},1`,
    `k,"a""b",${at},1`,
    `k,'=cmd(),${at},1`,
  ]);
});

it('of nothing is a heading', () => {
  expect(toCsv(answer([]))).toBe('key,unit,at,value\r\n');
});
