import { expect, it } from '@jest/globals';
import { Agenda } from './agenda.ts';

it('gives out each item once, when its slot is over, in the order of the slots', () => {
  const agenda = new Agenda<string>(1000, 50);
  agenda.add('later', 1120);
  agenda.add('soon', 1010);
  agenda.add('as soon', 1049);
  expect(agenda.take(1049)).toEqual([]);
  expect(agenda.take(1050)).toEqual(['soon', 'as soon']);
  expect(agenda.take(1051)).toEqual([]);
  expect(agenda.take(5000)).toEqual(['later']);
});

it('takes what is overdue at once', () => {
  const agenda = new Agenda<string>(0, 50);
  agenda.take(500);
  agenda.add('overdue', 10);
  expect(agenda.take(550)).toEqual(['overdue']);
});
