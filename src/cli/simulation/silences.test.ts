import { expect, it } from '@jest/globals';
import { Silences } from './silences.ts';

const silences = () => new Silences({ graceMs: 10, toleranceMs: 5 });

it('expects nothing of a node that is heard in time, or never was', () => {
  const seen = silences();
  seen.heard('a', 0, 100);
  seen.heard('a', 90, 190);
  expect(seen.expected(199)).toEqual({ least: 0, most: 0 });
});

it('expects every silence past deadline and grace, ended or not', () => {
  const seen = silences();
  seen.heard('a', 0, 100);
  expect(seen.expected(115)).toEqual({ least: 1, most: 1 });
  seen.heard('a', 200, 300);
  expect(seen.expected(250)).toEqual({ least: 1, most: 1 });
  expect(seen.expected(400)).toEqual({ least: 2, most: 2 });
});

it('leaves open what ended about when it would have counted', () => {
  const seen = silences();
  seen.heard('a', 0, 100);
  seen.heard('a', 112, 212);
  expect(seen.expected(113)).toEqual({ least: 0, most: 1 });
});
