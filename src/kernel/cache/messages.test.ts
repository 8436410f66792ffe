import { describe, expect, it } from '@jest/globals';
import { parseMessage } from './messages.ts';

describe('parseMessage', () => {
  it.each([
    { kind: 'ping', from: 'a', at: 12.5, heard: { b: 3 } },
    { kind: 'drop', from: 'a', tags: ['gpu:1'] },
    { kind: 'bye', from: 'a' },
  ])('reads a $kind', (message) => {
    expect(parseMessage(JSON.stringify(message))).toEqual(message);
  });

  it.each([
    '',
    'null',
    '{"x":1',
    '{"kind":"drop","from":"a","tags":[1]}',
    '{"kind":"drop","tags":[]}',
    '{"kind":"ping","from":"a","at":"now","heard":{}}',
    '{"kind":"ping","from":"a","at":1,"heard":null}',
    '{"kind":"shutdown","from":"a"}',
  ])('is silent about %j', (text) => {
    expect(parseMessage(text)).toBeNull();
  });
});
