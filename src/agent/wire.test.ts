import { expect, it } from '@jest/globals';
import { processContent } from './wire.ts';

it('lists a process once, the last entry of it, and leaves out what is not known', () => {
  expect(
    processContent([
      { pid: 7, name: 'Xorg', memoryUsedMb: null },
      { pid: 8, name: null, memoryUsedMb: 5 },
      { pid: 7, name: 'Xorg', memoryUsedMb: 12 },
    ]),
  ).toEqual([
    { pid: 7, name: 'Xorg', memoryUsedMb: 12 },
    { pid: 8, memoryUsedMb: 5 },
  ]);
});

it('sends no more than the service takes', () => {
  const many = Array.from({ length: 1001 }, (_, pid) => ({ pid, name: 'x'.repeat(1025), memoryUsedMb: 1 }));
  const sent = processContent(many);
  expect(sent).toHaveLength(1000);
  expect(sent[0]?.name).toHaveLength(1024);
});
