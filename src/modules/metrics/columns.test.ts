import { expect, it } from '@jest/globals';
import { columnsOf } from './columns.ts';

const sample = (gpuId: string, metric: string, second: number, value: number, unit = 'W') => ({
  gpuId,
  metric,
  unit,
  value,
  at: `2026-01-01T00:00:0${second}.000000Z`,
});

it('names series and moments once, and samples by them in the order of GPU, metric and moment', () => {
  const { moments, ...columns } = columnsOf([
    sample('b', 'power', 2, 1),
    sample('a', 'power', 3, 2.5),
    sample('a', 'clock', 1, -3),
    sample('b', 'power', 1, 4),
  ]);
  expect(moments.map((at) => at.slice(17, 19))).toEqual(['01', '02', '03']);
  expect(columns).toEqual({
    gpuIds: ['a', 'a', 'b'],
    metrics: ['clock', 'power', 'power'],
    units: ['W', 'W', 'W'],
    firstAts: [moments[0], moments[2], moments[0]],
    series: '{1,2,3,3}',
    ats: '{1,3,1,2}',
    values: '{-3,2.5,4,1}',
  });
});

it('takes of one series and moment the first; another unit is another series', () => {
  const { units, values } = columnsOf([
    sample('a', 'power', 1, 7),
    sample('a', 'power', 1, 8, 'kW'),
    sample('a', 'power', 1, 9),
    sample('a', 'power', 1, 10, 'kW'),
  ]);
  expect([units, values]).toEqual([['W', 'kW'], '{7,8}']);
});

it('has the same order of keys, however the samples come', () => {
  const samples = Array.from({ length: 60 }, (_, index) =>
    sample(`g${index % 4}`, `m${index % 3}`, index % 5, index),
  );
  const [one, other] = [samples, samples.toReversed()].map(columnsOf);
  expect({ ...other, values: '' }).toEqual({ ...one, values: '' });
});
