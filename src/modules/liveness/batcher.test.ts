import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Batcher } from './batcher.ts';

describe('a batcher', () => {
  it('works on a lone item at once, and on what gathered meanwhile as soon as a lane is free', async () => {
    const { batcher, batches, release } = setup({ lanes: 1 });
    const answers = ['a', 'b', 'c'].map((item) => batcher.submit(item));
    expect(batches).toEqual([['a']]);
    expect(batcher.queued).toBe(2);
    await release();
    expect(await answers[0]).toBe('A');
    await release();
    expect(await Promise.all(answers)).toEqual(['A', 'B', 'C']);
    expect(batches).toEqual([['a'], ['b', 'c']]);
    expect(batcher.queued).toBe(0);
  });

  it('has as many batches in work as it has lanes', () => {
    const { batcher, batches } = setup({ lanes: 2 });
    for (const item of ['a', 'b', 'c']) void batcher.submit(item);
    expect(batches).toEqual([['a'], ['b']]);
  });

  it('fills a batch up to its weight, and takes one heavier item alone', async () => {
    const { batcher, batches, release } = setup({ lanes: 1, batchWeight: 4 });
    const answers = ['a', 'bb', 'cc', 'ddddd', 'e'].map((item) => batcher.submit(item));
    for (const _ of answers) await release();
    await Promise.all(answers);
    expect(batches).toEqual([['a'], ['bb', 'cc'], ['ddddd'], ['e']]);
  });

  it('refuses at once what the queue cannot hold', async () => {
    const { batcher, release } = setup({ lanes: 1, queueWeight: 2 });
    const answers = ['a', 'bb'].map((item) => batcher.submit(item));
    await expect(batcher.submit('c')).rejects.toThrow('full');
    await release();
    await answers[0];
    await release();
    expect(await answers[1]).toBe('BB');
  });

  it('gives each item its own outcome', async () => {
    const { batcher, release } = setup({ lanes: 1 });
    const answers = Promise.allSettled(['a', 'fault', 'b'].map((item) => batcher.submit(item)));
    await release();
    await release();
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('fails all items of a batch whose work throws, and goes on', async () => {
    const { batcher, release } = setup({ lanes: 1 });
    const answers = Promise.allSettled(['a', 'b', 'lost'].map((item) => batcher.submit(item)));
    await release();
    await release();
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    const next = batcher.submit('c');
    await release();
    expect(await next).toBe('C');
  });

  it('is drained when nothing waits or is in work', async () => {
    const { batcher, release } = setup({ lanes: 1 });
    const answers = ['a', 'b'].map((item) => batcher.submit(item));
    let drained = false;
    const done = batcher.drained().then(() => {
      drained = true;
    });
    await release();
    await answers[0];
    expect(drained).toBe(false);
    await release();
    await done;
    expect(await answers[1]).toBe('B');
  });
});

/** Work that waits for one `release` a batch, then gives each item in capitals; `fault` is an outcome of its own. */
function setup(options: { lanes: number; batchWeight?: number; queueWeight?: number }) {
  const batches: string[][] = [];
  const releases: (() => void)[] = [];
  const batcher = new Batcher<string, string>({
    batchWeight: 100,
    queueWeight: 100,
    ...options,
    weightOf: (item) => item.length,
    onFull: () => new Error('full'),
    async work(items) {
      batches.push([...items]);
      await new Promise<void>((resolve) => releases.push(resolve));
      if (items.includes('lost')) throw new Error('lost');
      return items.map((item) =>
        item === 'fault'
          ? { status: 'rejected', reason: new Error(item) }
          : { status: 'fulfilled', value: item.toUpperCase() },
      );
    },
  });
  /** Ends the oldest batch in work, and waits until the next may have begun. */
  const release = async () => {
    releases.shift()?.();
    await setImmediate();
  };
  return { batcher, batches, release };
}
