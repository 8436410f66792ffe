import { describe, expect, it } from '@jest/globals';
import { parseTraceparent } from './traceparent.ts';

describe('parseTraceparent', () => {
  const trace = 'a'.repeat(32);
  const parent = 'b'.repeat(16);

  it.each([`00-${trace}-${parent}-00`, `01-${trace}-${parent}-01-more`])('reads %s', (header) => {
    expect(parseTraceparent(header)).toEqual({ traceId: trace, parentId: parent });
  });

  it.each([
    `00-${'0'.repeat(32)}-${parent}-00`,
    `00-${trace}-${'0'.repeat(16)}-00`,
    `ff-${trace}-${parent}-00`,
    `00-${trace.toUpperCase()}-${parent}-00`,
    `00-${trace}-${parent}`,
    '',
    undefined,
  ])('does not believe %s', (header) => {
    expect(parseTraceparent(header)).toBeNull();
  });
});
