import { expect, it } from '@jest/globals';
import { shownSteps, stepsOf } from './course.ts';

const facts = { name: 'node_heartbeat', rows: 10, dead: 3, sizeMb: 0.5 };
const readings = [
  { atS: 0, answered: 0, memoryMb: 100, tables: [{ ...facts, updates: 5, hotUpdates: 1 }] },
  { atS: 2, answered: 4, memoryMb: 110, tables: [{ ...facts, dead: 9, updates: 9, hotUpdates: 4 }] },
  { atS: 3, answered: 4, memoryMb: undefined, tables: [{ ...facts, updates: 9, hotUpdates: 4 }] },
];

it('tells what happened between two readings, not since the begin', () => {
  expect(stepsOf(readings, [1, 2, 3, 40])).toEqual([
    {
      atS: 2,
      perSecond: 2,
      p99Ms: 40,
      memoryMb: 110,
      tables: [{ ...facts, dead: 9, hotShare: 75 }],
    },
    { atS: 3, perSecond: 0, p99Ms: 0, memoryMb: undefined, tables: [{ ...facts, hotShare: null }] },
  ]);
});

it('shows a line for each, also without a database', () => {
  expect(shownSteps(stepsOf(readings, [1, 2, 3, 40]))).toEqual([
    'AT S  A SECOND  P99 MS  MEMORY MIB  NODE_HEARTBEAT MIB  DEAD  HOT %',
    '2     2         40      110         0.5                 9     75',
    '3     0         0       -           0.5                 3     -',
  ]);
  const blind = readings.map((reading) => ({ ...reading, tables: [] }));
  expect(shownSteps(stepsOf(blind, []))[0]).toBe('AT S  A SECOND  P99 MS  MEMORY MIB');
});
