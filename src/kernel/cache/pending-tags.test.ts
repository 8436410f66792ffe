import { beforeEach, describe, expect, it } from '@jest/globals';
import { everything, PendingTags } from './pending-tags.ts';

describe('PendingTags', () => {
  let pending: PendingTags;
  beforeEach(() => {
    pending = new PendingTags();
  });

  it('holds the tags of an attempt until it is settled', () => {
    const attempt = pending.add(['gpu:1', 'gpus']);
    expect([pending.holdsAny(['gpus', 'nodes']), pending.holdsAny(['nodes'])]).toEqual([true, false]);
    attempt.settle();
    expect(pending.size).toBe(0);
  });

  it('keeps a tag that was invalidated again after the attempt that settles', () => {
    const first = pending.add(['gpu:1']);
    const second = pending.add(['gpu:1']);
    first.settle();
    expect(pending.holdsAny(['gpu:1'])).toBe(true);
    second.settle();
    expect(pending.holdsAny(['gpu:1'])).toBe(false);
  });

  it('gives all that is outstanding once more', () => {
    pending.add(['gpu:1']);
    pending.add(['gpu:2']);
    const again = pending.again();
    expect(again.tags).toEqual(['gpu:1', 'gpu:2']);
    again.settle();
    expect(pending.size).toBe(0);
  });

  it('holds every tag while everything is outstanding', () => {
    pending.add(['gpu:1']);
    const attempt = pending.addEverything();
    expect(pending.holdsAny(['nodes'])).toBe(true);
    attempt.settle();
    expect(pending.size).toBe(0);
  });

  it('gives up telling tags apart when there are too many', () => {
    const tags = Array.from({ length: 10_000 }, (_, i) => `gpu:${i}`);
    pending.add(tags);
    expect(pending.add(['one more']).tags).toEqual([everything]);
    expect(pending.size).toBe(1);
  });
});
