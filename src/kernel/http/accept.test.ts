import { expect, it } from '@jest/globals';
import { accepts } from './accept.ts';

it.each([
  [undefined, true],
  ['', true],
  ['*/*', true],
  ['application/json', true],
  ['Application/JSON; charset=utf-8', true],
  ['text/html, application/xhtml+xml, */*;q=0.8', true],
  ['application/*;q=0.1', true],
  ['text/html', false],
  ['application/json;q=0', false],
  ['*/*, application/json;q=0', false],
  ['application/*;q=0, application/json', true],
  ['application/xml, text/*', false],
  ['nonsense', false],
])('an Accept of %p takes JSON: %p', (header, expected) => {
  expect(accepts(header, ['application/json'])).toBe(expected);
});

it('is satisfied by any of several types', () => {
  expect(accepts('text/event-stream', ['application/json', 'text/event-stream'])).toBe(true);
});
