import { expect, it } from '@jest/globals';
import { newId } from './ids.ts';

it('makes ids of version 7 that begin with the time', () => {
  const before = Date.now();
  const id = newId();
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const at = Number.parseInt(id.replace('-', '').slice(0, 12), 16);
  expect(at).toBeGreaterThanOrEqual(before);
  expect(at).toBeLessThanOrEqual(Date.now());
});

it('makes each one greater than the one before, however many there are in a millisecond', () => {
  const ids = Array.from({ length: 50_000 }, newId);
  expect(ids.findIndex((id, index) => id <= (ids[index - 1] ?? ''))).toBe(-1);
});
